/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"

#include <stddef.h>

const struct limit limit_table[] = {
#define LIMIT(name, value, unit, why) { #name, value, unit, why },
#include "base/limits.def"
    { NULL, 0, NULL, NULL },
};
