# SPDX-License-Identifier: Apache-2.0
"""docker search: the tables that people know from Docker Hub, filters, limits, and who sees
what."""
import pytest

from harness.server import ADMINISTRATOR, PASSWORDS, Berth

# The table of 2015: name, description, stars, official, automated.
TABLE = [
    ("library/centos", "The official build of CentOS.", 1034, False),
    ("ansible/centos7-ansible", "Ansible on Centos7", 43, True),
    ("tutum/centos", "Centos image with SSH access. For the root user", 13, True),
    # The table of 2014 knew this one as well.
    ("tianon/centos", "CentOS 5 and 6, created using rinse instead", 21, False),
    ("alice/secret-centos", "Nobody else finds this", 9000, False),
    ("alice/webshop", "Runs on top of centos", 2, False),
    ("alice/unrelated", "Something else", 5, False),
]


@pytest.fixture(scope="module")
def hub(new_folder, berth):
    """A server with nothing but the repositories of the table."""
    server = Berth(berth.binary, new_folder("search"))
    server.start()
    try:
        server.add_people()
        for owner in ("ansible", "tutum", "tianon"):
            server.add_user(owner, password="some-password")
        for name, description, stars, automated in TABLE:
            server.command(
                "repo",
                "add",
                name,
                "--description",
                description,
                "--automated",
                "yes" if automated else "no",
                "--private",
                "yes" if "secret" in name else "no",
            )
            owner, _, short = name.partition("/")
            server.sql(
                "UPDATE repository SET star_count = ? WHERE name = ? AND owner_id ="
                " (SELECT id FROM account WHERE name = ?)",
                (stars, short, owner),
            )
            server.command("repo", "change", name, "--description", description)
        yield server
    finally:
        server.stop()


def search(docker, hub, term, *options):
    """The rows of the table as lists of columns: name, description, stars, official, automated."""
    form = "{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}|{{.IsAutomated}}"
    output = docker("search", "--no-trunc", "--format", form, *options, f"{hub.address}/{term}")
    return [row.split("|") for row in output.rows()]


def names(rows):
    return [row[0] for row in rows]


def test_search__table_of_2015(docker, hub):
    rows = search(docker, hub, "centos")
    assert ["centos", "The official build of CentOS.", "1034", "[OK]", ""] in rows
    assert ["ansible/centos7-ansible", "Ansible on Centos7", "43", "", "[OK]"] in rows
    assert [
        "tutum/centos",
        "Centos image with SSH access. For the root user",
        "13",
        "",
        "[OK]",
    ] in rows


def test_search__order_is_official_then_stars(docker, hub):
    assert names(search(docker, hub, "centos")) == [
        "centos",
        "ansible/centos7-ansible",
        "tianon/centos",
        "tutum/centos",
        "alice/webshop",
    ]


def test_search__as_people_see_it(docker, hub):
    lines = docker("search", f"{hub.address}/centos").rows()
    assert lines[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL", "AUTOMATED"]
    assert lines[1].split() == "centos The official build of CentOS. 1034 [OK]".split()


def test_search__limit(docker, hub):
    assert len(search(docker, hub, "centos", "--limit", "2")) == 2


@pytest.mark.parametrize(
    "term, expected",
    [
        ("ansible", ["ansible/centos7-ansible"]),
        ("tutum/centos", ["tutum/centos"]),
        ("ssh", ["tutum/centos"]),
        (
            "CENTOS",
            ["centos", "ansible/centos7-ansible", "tianon/centos", "tutum/centos", "alice/webshop"],
        ),
        ("cent", ["centos", "ansible/centos7-ansible", "tianon/centos", "tutum/centos"]),
        ("no-such-thing", []),
    ],
)
def test_search__finds_by_name_owner_and_description(docker, hub, term, expected):
    assert sorted(names(search(docker, hub, term))) == sorted(expected)


@pytest.mark.parametrize(
    "filters, expected",
    [
        (["stars=20"], ["centos", "ansible/centos7-ansible", "tianon/centos"]),
        (["is-official=true"], ["centos"]),
        (["is-automated=true"], ["ansible/centos7-ansible", "tutum/centos"]),
        (["is-automated=true", "stars=20"], ["ansible/centos7-ansible"]),
        (["is-official=false", "stars=1000"], []),
    ],
)
def test_search__filters(docker, hub, filters, expected):
    options = [word for text in filters for word in ("--filter", text)]
    assert names(search(docker, hub, "centos", *options)) == expected


def test_search__private_ones_are_not_for_nobody(docker, hub):
    assert "alice/secret-centos" not in names(search(docker, hub, "secret"))


@pytest.mark.parametrize("name, sees", [("alice", True), ("bob", False), (ADMINISTRATOR, True)])
@pytest.mark.route("GET /v1/search")
def test_search__private_ones_are_for_those_who_may(hub, name, sees):
    """docker itself sends its login along only over https, so this asks as docker then would."""
    from harness.registry import basic, call

    answer = call(
        hub,
        "GET",
        "/v1/search?q=secret&n=25",
        headers={"Authorization": basic(name, PASSWORDS[name]), "X-Docker-Token": "true"},
    )
    assert answer.status == 200
    assert ("alice/secret-centos" in [row["name"] for row in answer.json()["results"]]) == sees


def test_search__what_is_pushed_is_found(docker, hub):
    from harness.images import Image
    from harness.registry import Registry

    Registry(hub, "bob/freshly-pushed", "bob").push(Image())
    assert names(search(docker, hub, "freshly")) == ["bob/freshly-pushed"]
