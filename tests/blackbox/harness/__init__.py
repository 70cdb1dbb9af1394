# SPDX-License-Identifier: Apache-2.0
"""What the tests from outside are made of: servers, clients, images.  No test in here."""
