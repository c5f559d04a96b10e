#!/usr/bin/env python3
"""Only a server that can prove who it is gets our token: certificates made by openssl, servers on this machine."""
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import Skip, run  # noqa: E402
from hubspot import TOKEN, companies, organisation, pull, stand_in  # noqa: E402


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def authority(case, name="ca"):
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    folder = case.tmp / name
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=Test {name}", "-keyout", folder / "ca.key",
            "-out", folder / "ca.pem")
    return folder


def certificate(folder, name, host, *dates):
    """One of the authority for a host; dates: when it begins and ends, if not now and soon."""
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    (folder / "index").write_text("")
    (folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nnew_certs_dir={folder}\ndefault_md=sha256\n"
                                   "policy=any\nrand_serial=yes\nunique_subject=no\n[any]\ncommonName=supplied\n")
    when = ("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", "2")
    openssl("ca", "-batch", "-config", folder / "ca.cnf", "-cert", folder / "ca.pem", "-keyfile", folder / "ca.key", "-in", folder / f"{name}.csr",
            "-out", folder / f"{name}.pem", "-extfile", folder / f"{name}.ext", *when)
    return folder / f"{name}.pem", folder / f"{name}.key"


def old_server(case, pair):
    """Speaks TLS 1.1 at most, and keeps all that it could read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # that it is old is the point
        warnings.simplefilter("ignore")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    listener = socket.create_server(("127.0.0.1", 0))
    case.at_end(listener.close)
    heard = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    heard.append(tls.recv(4096))
            except OSError:
                connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}", heard


def test_servers_that_can_not_prove_who_they_are_are_refused(case):
    """Expired, wrong name, self-signed, another authority: 78 with a sentence, and nothing of the request arrives."""
    ca, other = authority(case), authority(case, "other")
    for what, pair, words in (
            ("expired", certificate(ca, "expired", "IP:127.0.0.1", "20200101000000Z", "20200201000000Z"), "has expired"),
            ("wrong name", certificate(ca, "wrong", "DNS:crm.example"), "127.0.0.1"),
            ("self-signed", (other / "ca.pem", other / "ca.key"), "self-signed certificate"),
            ("another authority", certificate(other, "stranger", "IP:127.0.0.1"), "unable to get local issuer")):
        _, server = stand_in(case, {"companies": companies(3)}, tls=pair)
        organisation(case, server.url, more=f"    ca_file: {ca}/ca.pem\n")
        _, errors = pull(case, "--stream", "companies", expect=78)
        assert "certificate" in errors and words in errors.replace("self signed", "self-signed"), (what, errors)
        assert server.seen == [] and TOKEN not in errors, (what, server.seen)


def test_tls_older_than_1_2_is_refused(case):
    """A server that offers TLS 1.1 at most is refused with 78 and a sentence."""
    ca = authority(case)
    url, heard = old_server(case, certificate(ca, "old", "IP:127.0.0.1"))
    organisation(case, url, more=f"    ca_file: {ca}/ca.pem\n")
    _, errors = pull(case, "--stream", "companies", expect=78)
    assert "TLS 1.2" in errors, errors
    assert heard == [], heard


def test_a_private_authority_is_trusted_by_ca_file_and_only_so(case):
    """With ca_file a server of a private authority is pulled from; without it the same server is refused."""
    ca = authority(case)
    _, server = stand_in(case, {"companies": companies(250)}, tls=certificate(ca, "good", "IP:127.0.0.1"))
    organisation(case, server.url)
    _, errors = pull(case, "--stream", "companies", expect=78)
    assert "certificate" in errors and server.seen == [], errors
    organisation(case, server.url, more=f"    ca_file: {ca}/ca.pem\n")
    pull(case, "--stream", "companies")
    assert case.query("SELECT count(*) FROM account") == [(250,)]
    organisation(case, server.url, more=f"    ca_file: {ca}/nowhere.pem\n")
    _, errors = pull(case, "--stream", "companies", expect=78)
    assert "nowhere.pem" in errors, errors


run(globals())
