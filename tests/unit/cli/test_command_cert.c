/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_fixture.h"

static void test_command_cert__tells_each_client(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --name hub.test --name 10.0.0.9"), 0);
    check_has(bench->out, "for 397 days and hub.test, 10.0.0.9, localhost, 127.0.0.1, ::1\n");
    check_has(bench->out, "/etc/docker/certs.d/hub.test:5000/ca.crt\n");
    check_has(bench->out, "/etc/containers/certs.d/hub.test:5000/ca.crt\n");
    check_has(bench->out, "[host.\"https://hub.test:5000\"]");
    check_has(bench->out, "update-ca-certificates");
    check_has(bench->out, "  BERTH_TLS_CERTIFICATE=");
    check_has(bench->out, "/tls/server.crt\n");
    check_has(bench->out, "/tls/server.key\n");
}

static void test_command_cert__names_the_public_address(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --set url=https://hub.test:8443"), 0);
    check_has(bench->out, "and hub.test, localhost,");
    check_has(bench->out, "certs.d/hub.test:8443/ca.crt");
    assert_int_equal(bench_run(bench, "", "cert --set url=https://[fd00::1]"), 0);
    check_has(bench->out, "and fd00::1, localhost,");
    check_has(bench->out, "certs.d/[fd00::1]/ca.crt");
}

static void test_command_cert__leaves_out_the_port_of_https(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --name hub.test --set listen=0.0.0.0:443"), 0);
    check_has(bench->out, "certs.d/hub.test/ca.crt");
}

static void test_command_cert__uses_the_authority_again(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --out @/new/folder"), 0);
    check_has(bench->out, "Made the authority ");
    assert_int_equal(bench_run(bench, "", "cert --out @/new/folder"), 0);
    check_has(bench->out, "Used the authority ");
}

static void test_command_cert__refuses_a_name_with_a_port(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --name hub.test:80"), 1);
    check_has(bench->err, "'hub.test:80' is not a host name or address (without a port)");
}

static void test_command_cert__refuses_names_that_nobody_has(void **state)
{
    struct bench *bench = *state;
    const char *const names[] = { "10.0.0.999", "a_b.test", "-a.test", "a..test", "12" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct str words = arena_format(bench->arena, "cert --name=%s", names[i]);
        assert_int_equal(bench_run(bench, "", words.ptr), 1);
        check_has(bench->err, "is not a host name or address");
    }
}

static void test_command_cert__keeps_the_names_that_are_there(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert --name hub.test --name 10.0.0.9"), 0);
    assert_int_equal(bench_run(bench, "", "cert --name new.test"), 0);
    check_has(bench->out, "and new.test, localhost, 127.0.0.1, ::1, hub.test, 10.0.0.9\n");
    assert_int_equal(bench_run(bench, "", "cert --name new.test --only"), 0);
    check_has(bench->out, "and new.test, localhost, 127.0.0.1, ::1\n");
}

static void test_command_cert__tells_where_to_listen(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bench_run(bench, "", "cert"), 0);
    check_has(bench->out, "  BERTH_LISTEN=0.0.0.0:5000 ");
    assert_int_equal(bench_run(bench, "", "cert --name hub.test --listen :8443"), 0);
    assert_false(text_has(bench->out, "BERTH_LISTEN"));
    check_has(bench->out, "certs.d/hub.test:8443/ca.crt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(test_command_cert__tells_each_client),
        CLI_TEST(test_command_cert__names_the_public_address),
        CLI_TEST(test_command_cert__leaves_out_the_port_of_https),
        CLI_TEST(test_command_cert__uses_the_authority_again),
        CLI_TEST(test_command_cert__refuses_a_name_with_a_port),
        CLI_TEST(test_command_cert__refuses_names_that_nobody_has),
        CLI_TEST(test_command_cert__keeps_the_names_that_are_there),
        CLI_TEST(test_command_cert__tells_where_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
