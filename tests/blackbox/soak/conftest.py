# SPDX-License-Identifier: Apache-2.0
"""Long proofs use the fixtures of the other tests; ./dev soak [ROUNDS] starts them."""
