/* SPDX-License-Identifier: Apache-2.0 */
/* oci/about.h - what an error is about (struct error.about).
 *
 * The domain says kind and subject ("NOT_FOUND, about a blob"); a surface turns
 * the pair into its wire code (registry/error_codes.def: BLOB_UNKNOWN, 404). */
#pragma once

enum about {
    ABOUT_NONE = 0,
    ABOUT_NAME, /* the text of a repository or namespace name */
    ABOUT_REPOSITORY,
    ABOUT_TAG, /* the text of a tag */
    ABOUT_MANIFEST,
    ABOUT_MANIFEST_BLOB, /* content that a manifest refers to */
    ABOUT_BLOB,
    ABOUT_DIGEST,
    ABOUT_SIZE,
    ABOUT_UPLOAD,
    ABOUT_RANGE,
    ABOUT_PAGE, /* n, last and other parameters of a list */
    ABOUT_ACCOUNT,
    ABOUT_CREDENTIALS,
};
