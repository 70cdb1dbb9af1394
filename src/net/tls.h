/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls.h - TLS 1.2 and 1.3 by OpenSSL behind struct transport.
 *
 * The certificate can be exchanged while serving: connections keep the context that they began
 * with. Any thread. */
#pragma once
#include "base/cleanup.h"
#include "base/error.h"
#include "net/transport.h"

#include <stdbool.h>

struct tls;

/* ERROR_INVALID names the file that does not do. */
struct tls *tls_new(const char *certificate, const char *key, struct error *err);
void tls_free(struct tls *tls);

NODISCARD bool tls_reload(struct tls *tls, struct error *err);

/* A server's side of a new connection; transport->ops->handshake() goes on with it.  Takes the
 * socket on success only. */
NODISCARD bool transport_init_tls(struct transport *transport, struct tls *tls, int fd);
