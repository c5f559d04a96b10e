#!/usr/bin/env python3
"""The score of the workload in SQL, for each peer; each three parts: the scores, their sums, who is ranked.

tuned: one pass for what needs all days, a second one over the last 118 days only; the best found for DuckDB.
plain: what one writes down at first, one pass with a filter for each window.
Usage: workload_sql.py duckdb tuned|plain, sqlite, postgres"""
import sys

DAYS, TOP, WEEKS, KEPT = 400, 20, 13, 118
LAST = DAYS - 1
ALPHA, DECAY = "6.896551724137931e-02", "-7.145896398214496e-02"  # 2 / 29 and ln(1 - 2 / 29)

# What the dialects call the same things.
DIALECTS = {
    "duckdb": dict(real="::DOUBLE", most="greatest", least="least", number="{}", temp="CREATE TEMP TABLE score AS"),
    "sqlite": dict(real="*1.0", most="max", least="min", number="{}", temp="CREATE TEMP TABLE score AS"),
    "postgres": dict(real="::float8", most="greatest", least="least", number="{}::float8",
                     temp="SET work_mem='512MB'; SET max_parallel_workers_per_gather=2; CREATE TABLE score AS"),
}


def week(i):
    """First and last day of a week; the last one ends with the last day."""
    first = DAYS - 7 * (WEEKS - i)
    return first, first + 6


def cusum(d):
    """The largest of the running sums of what the weeks lack of three quarters of their mean."""
    sums, last = [], "0"
    for i in range(WEEKS):
        last = f"{d['most']}(0,{last}+0.75*mu-w{i})"
        sums.append(last)
    return f"{d['most']}(0,{','.join(sums)})"


def windows(d, condition):
    """The sums by week and what else is taken from the last days; condition(text, value) is how a part is summed."""
    parts = [condition(f"day BETWEEN {a} AND {b}") + f"{d['real']} AS w{i}" for i, (a, b) in enumerate(map(week, range(WEEKS)))]
    parts.append(condition(f"day<{DAYS - 7 * WEEKS}") + f"{d['real']} AS b27")
    return parts


def by_case(condition):
    return f"sum(CASE WHEN {condition} THEN value ELSE 0 END)"


def by_filter(condition):
    return f"coalesce(sum(value) FILTER (WHERE {condition}),0)"


def features_tuned(d):
    """Two passes over usage, joined."""
    weight = f"value*{d['number'].format(ALPHA)}*exp(({LAST}-day)*{d['number'].format(DECAY)})"
    names = [f"w{i}" for i in range(WEEKS)] + ["b27"]
    kept = ",".join(f"coalesce({n},0) AS {n}" for n in names)
    return f"""f AS (SELECT account,metric,sum({weight}) AS ewma,max(CASE WHEN value>0 THEN day ELSE -1 END) AS lastd,
  {by_case("day BETWEEN 8 AND 35")}{d['real']} AS y28 FROM usage WHERE day<={LAST} GROUP BY 1,2),
r AS (SELECT account,metric,{",".join(windows(d, by_case))},max(CASE WHEN day>{DAYS - 8} THEN value ELSE 0 END){d['real']} AS max7
  FROM usage WHERE day BETWEEN {DAYS - KEPT} AND {LAST} GROUP BY 1,2),
m0 AS (SELECT f.account,f.metric,{kept},y28,coalesce(max7,0) AS max7,lastd,ewma
  FROM f LEFT JOIN r ON r.account=f.account AND r.metric=f.metric)"""


def features_plain(d):
    """One pass over usage."""
    parts = windows(d, by_filter)
    parts[-1] = by_filter(f"day BETWEEN {DAYS - KEPT} AND {DAYS - 7 * WEEKS - 1}") + f"{d['real']} AS b27"
    power = f"power({d['number'].format('0.9310344827586207')},{LAST}-day)"
    return f"""m0 AS (SELECT account,metric,{",".join(parts)},
  {by_filter("day BETWEEN 8 AND 35")}{d['real']} AS y28,coalesce(max(value) FILTER (WHERE day>{DAYS - 8}),0){d['real']} AS max7,
  coalesce(max(day) FILTER (WHERE value>0),-1) AS lastd,sum(value*{d['number'].format(ALPHA)}*{power}) AS ewma
  FROM usage WHERE day<={LAST} GROUP BY account,metric)"""


def scores(d, features):
    weeks = "+".join(f"w{i}" for i in range(WEEKS))
    slope = "+".join(f"({i - 6})*w{i}" for i in range(WEEKS))
    least, real = d["least"], d["real"]
    months = f"((coalesce(t30,0){real}+1.0)/(coalesce(t90,0){real}/3.0+1.0))"
    return f"""{d['temp']}
WITH {features},
m1 AS (SELECT account,metric,max7,lastd,ewma,b27,y28,{",".join(f"w{i}" for i in range(WEEKS))},w9+w10+w11+w12 AS s28,w5+w6+w7+w8 AS p28,
  w0+w1+w2+w3+w4+w5+w6+w7+w8+b27 AS b90,({weeks})/13.0 AS mu,({slope})/182.0 AS sl FROM m0),
m2 AS (SELECT account,metric,(s28+1)/(p28+1) AS r1,(s28+1)/(b90*28/90.0+1) AS r2,(s28+1)/(y28+1) AS r3,sl/(mu+1) AS nsl,
  {cusum(d)}/(mu+1) AS cus,{least}({LAST}-lastd,60) AS dsl,max7,(ewma*28+1)/(b90*28/90.0+1) AS er FROM m1),
m3 AS (SELECT m2.account,
  sum(0.2*(1-{least}(r1,2))+0.15*(1-{least}(r2,2))+0.05*(1-{least}(r3,2))-0.3*nsl+0.1*cus+0.01*dsl+0.1*(1-{least}(er,2))) AS ch,
  sum(0.5*max7/CASE metric WHEN 0 THEN a.l0 WHEN 1 THEN a.l1 ELSE a.l2 END+0.3*nsl+0.1*({least}(r1,2)-1)) AS up
  FROM m2 JOIN accounts a ON a.account=m2.account GROUP BY m2.account),
u AS (SELECT account,max(last_seen) AS ls,sum(active28)/140.0 AS act FROM users GROUP BY account),
t AS (SELECT account,count(*) FILTER (WHERE day>={DAYS - 30}) AS t30,count(*) FILTER (WHERE day BETWEEN {DAYS - 120} AND {DAYS - 31}) AS t90
  FROM tickets WHERE day<={LAST} AND day>={DAYS - 120} GROUP BY account),
e AS (SELECT account,count(*) FILTER (WHERE day>={DAYS - 30}) AS e30,max(day) AS el FROM eng WHERE day<={LAST} GROUP BY account),
s AS (SELECT account,min(renewal)-{LAST} AS ren FROM subs WHERE renewal>={LAST} GROUP BY account)
SELECT a.account,a.owner,
  coalesce(ch,0)+0.01*{least}({LAST}-coalesce(ls,-1),60)-0.5*coalesce(act,0)+0.1*{months}+0.005*{least}({LAST}-coalesce(el,-1),90)
    -0.02*coalesce(e30,0)+0.2*(CASE WHEN coalesce(ren,9999)<60 THEN 1 ELSE 0 END) AS churn,
  coalesce(up,0)+0.5*coalesce(act,0)-0.05*{months}+0.02*coalesce(e30,0)+0.0001*{least}(coalesce(ren,9999),365) AS upsell
FROM accounts a LEFT JOIN m3 ON m3.account=a.account LEFT JOIN u ON u.account=a.account LEFT JOIN t ON t.account=a.account
  LEFT JOIN e ON e.account=a.account LEFT JOIN s ON s.account=a.account"""


RANKED = "(SELECT owner,account,churn,row_number() OVER (PARTITION BY owner ORDER BY churn DESC,account) AS rn FROM score) x"


def sql(peer, kind="plain"):
    """All three parts."""
    d = DIALECTS[peer]
    return "\n--SPLIT\n".join([
        scores(d, features_tuned(d) if kind == "tuned" else features_plain(d)),
        f"SELECT 0,0,(SELECT sum(churn+upsell) FROM score) AS total,sum(churn) AS top FROM {RANKED} WHERE rn<={TOP}",
        f"SELECT owner,account,churn FROM {RANKED} WHERE rn<={TOP} ORDER BY owner,rn"])


if __name__ == "__main__":
    print(sql(*sys.argv[1:]))
