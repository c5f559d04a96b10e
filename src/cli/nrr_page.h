/* The report of net revenue retention as one page, and its pictures alone. */
#ifndef CLI_NRR_PAGE_H
#define CLI_NRR_PAGE_H

#include "nrr_report.h"

/* Writes one page that holds everything, of the report's window. */
int nrr_page_save(const struct nrr_report *r, const char *path, struct err *err) MUST_USE;
/* Writes waterfall.svg, trend.svg and, where there is enough history, cohorts.svg and forecast.svg into a folder, which
 * is made if it is missing. */
int nrr_pictures_save(const struct nrr_report *r, const char *folder, struct err *err) MUST_USE;

#endif
