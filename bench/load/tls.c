/* TLS under a stream: the source as a client, the sink as a server with a certificate that it makes for itself. */
#include "load.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static SSL_CTX *as_client, *as_server;

static _Noreturn void fail(void)
{
    errno = ENOTSUP;
    die("OpenSSL");
}

static SSL_CTX *context(const SSL_METHOD *method)
{
    SSL_CTX *made = SSL_CTX_new(method);
    if (!made || !SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION))
        fail();
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return made;
}

static X509 *certificate(EVP_PKEY *key)
{
    const long a_day_s = 86400;
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -a_day_s);
    X509_gmtime_adj(X509_getm_notAfter(made), a_day_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sink.test", -1, -1, 0);
    X509_set_issuer_name(made, name);
    if (!X509_set_pubkey(made, key) || !X509_sign(made, key, EVP_sha256()))
        fail();
    return made;
}

void tls_prepare(void)
{
    as_client = context(TLS_client_method());  /* it takes whatever certificate it is shown */
    as_server = context(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key || !SSL_CTX_use_PrivateKey(as_server, key) || !SSL_CTX_use_certificate(as_server, certificate(key)))
        fail();
}

/* From here on all that is sent and received is encrypted; the handshake happens on the way. */
void stream_encrypt(struct stream *s, bool is_server)
{
    s->tls = SSL_new(is_server ? as_server : as_client);
    if (!s->tls || !SSL_set_fd(s->tls, s->fd))
        fail();
    if (is_server)
        SSL_set_accept_state(s->tls);
    else
        SSL_set_connect_state(s->tls);
}

/* As send() and recv() have it: a count, or -1 with an errno that is EAGAIN when there is nothing to be done now.
 * Callers clear the queue of errors first: what another connection left there would be taken for the fate of this. */
static ssize_t outcome(struct stream *s, int count)
{
    if (count > 0)
        return count;
    int why = SSL_get_error(s->tls, count);
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t tls_send(struct stream *s, const char *octets, size_t length)
{
    ERR_clear_error();
    return outcome(s, SSL_write(s->tls, octets, length < INT_MAX ? (int)length : INT_MAX));
}

ssize_t tls_receive(struct stream *s, char *room, size_t length)
{
    ERR_clear_error();
    return outcome(s, SSL_read(s->tls, room, length < INT_MAX ? (int)length : INT_MAX));
}

/* Whether sending has to wait until something is received, as in the middle of a handshake. */
bool tls_waits_for_input(struct stream *s)
{
    return s->tls && SSL_want_read(s->tls);
}

void tls_end(struct stream *s)
{
    if (s->tls) {
        SSL_shutdown(s->tls);  /* says goodbye, and waits for nothing */
        SSL_free(s->tls);
    }
    s->tls = NULL;
}
