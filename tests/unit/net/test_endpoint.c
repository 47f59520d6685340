/* SPDX-License-Identifier: MIT
 *
 * Every form of URL, what it means, and what is said about one that means nothing. The lists of
 * who may connect. Sockets of UNIX paths. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/error.h>

#include "base/str.h"
#include "net/inherited.h"
#include "net/listen.h"
#include "net/unix_socket.h"

/* ---- A resolver that knows one name ---------------------------------------------------------- */

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);

/* three.test: 192.0.2.1, 2001:db8::1, and the first once more. */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "192.0.2.1"};
    struct addrinfo **tail = res;

    if (node && strcmp(node, "no.such.host.invalid") == 0)
        return EAI_NONAME; /* at once, also where no resolver can be asked */
    if (!node || strcmp(node, "three.test") != 0)
        return __real_getaddrinfo(node, service, hints, res);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(__real_getaddrinfo(addresses[i], service, hints, tail), 0);
        while (*tail)
            tail = &(*tail)->ai_next;
    }
    return 0;
}

/* ---- What is understood ---------------------------------------------------------------------- */

static struct endpoint eps[ENDPOINTS_MAX];
static size_t count;
static struct listen_options options;
static char error[ENDPOINT_ERROR];

static void assert_listens(const char *url, const char *formatted)
{
    char text[ENDPOINT_TEXT];

    error[0] = '\0';
    if (listen_parse(url, eps, &count, &options, error) != 0)
        fail_msg("%s: %s", url, error);
    endpoint_format(&eps[0], text);
    assert_string_equal(text, formatted);
}

static void listening_forms(void **state)
{
    static const char *const same[] = {
        "http://127.0.0.1:8080",
        "fcgi://127.0.0.1:9000",
        "http://[::1]:8080",
        "fcgi://[2001:db8::1]:1",
        "http+unix:/run/a.sock",
        "fcgi+unix:relative.sock",
        "fcgi+unix:@abstract",
        "http+unix:@a",
        "fcgi+fd:0",
        "http+fd:77",
        "http://0.0.0.0:0",
        "https://127.0.0.1:8443",
        "fcgis://[::1]:9443",
        "https+fd:3",
        "fcgis+fd:4",
    };
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_listens(same[i], same[i]);
        assert_int_equal(count, 1);
        assert_int_equal(eps[0].carrier, same[i][0] == 'h' ? ENDPOINT_HTTP : ENDPOINT_FCGI);
        assert_true(eps[0].is_unix == (strstr(same[i], "unix") != NULL));
        assert_true(eps[0].is_tls == (same[i][4] == 's'));
        assert_true(eps[0].is_fd == (strstr(same[i], "fd") != NULL));
    }
    assert_listens("http://127.0.0.1", "http://127.0.0.1:80");
    assert_listens("https://localhost", "https://127.0.0.1:443");
    assert_string_equal(eps[1].host, "localhost");
    assert_listens("http://127.0.0.1:8080/", "http://127.0.0.1:8080");
    assert_listens("http://:8080", "http://[::]:8080");
    assert_listens("fcgi://*:9000", "fcgi://[::]:9000");
    assert_listens("http://[::ffff:192.0.2.1]:1", "http://192.0.2.1:1");
}

static void all_addresses_of_a_host(void **state)
{
    char text[ENDPOINT_TEXT];

    (void)state;
    assert_listens("fcgi://localhost:9000", "fcgi://127.0.0.1:9000");
    assert_int_equal(count, 2);
    endpoint_format(&eps[1], text);
    assert_string_equal(text, "fcgi://[::1]:9000");

    assert_listens("http://three.test:8080?allow=::1", "http://192.0.2.1:8080");
    assert_int_equal(count, 2);
    endpoint_format(&eps[1], text);
    assert_string_equal(text, "http://[2001:db8::1]:8080");
}

static void file_options(void **state)
{
    (void)state;
    assert_listens("fcgi+unix:/run/a.sock?mode=0660&owner=root&group=root&allow=root,1000",
                   "fcgi+unix:/run/a.sock");
    assert_true(options.has_mode && options.has_owner && options.has_group);
    assert_int_equal(options.mode, 0660);
    assert_int_equal(options.owner, 0);
    assert_int_equal(options.group, 0);
    assert_true(str_eq(options.allow, WEIR_STR("root,1000")));

    assert_listens("fcgi+unix:/run/a.sock?owner=12345&mode=777", "fcgi+unix:/run/a.sock");
    assert_int_equal(options.owner, 12345);
    assert_int_equal(options.mode, 0777);
    assert_false(options.has_group);
    assert_null(options.allow.ptr);
    assert_listens("fcgi+unix:/run/a.sock?", "fcgi+unix:/run/a.sock");
}

/* ---- What is not ----------------------------------------------------------------------------- */

static void listening_errors(void **state)
{
    static const char *const cases[][2] = {
        {"nonsense", "nonsense: not an address; known are http://HOST:PORT"},
        {"", "not an address"},
        {"gopher://127.0.0.1:70", "not an address"},
        {"fcgi://127.0.0.1", "the port is missing, as in fcgi://127.0.0.1:9000"},
        {"fcgi://127.0.0.1:x", "the port must be a number from 0 to 65535"},
        {"fcgi://127.0.0.1:65536", "the port must be a number from 0 to 65535"},
        {"fcgi://127.0.0.1:", "the port must be a number from 0 to 65535"},
        {"fcgi://[::1:9000", "']' is missing"},
        {"fcgi://[::1]9000", "':' and a port must follow ']'"},
        {"http://127.0.0.1:80/path", "an address has no path"},
        {"http://no.such.host.invalid:80", "cannot resolve the host"},
        {"fcgi+unix:", "a socket path must follow the colon"},
        {"fcgi+fd:", "a descriptor number must follow the colon"},
        {"fcgi+fd:-1", "a descriptor number must follow the colon"},
        {"fcgi+fd:zero", "a descriptor number must follow the colon"},
        {"fcgi+systemd:x", "no sockets were passed to this process"},
        {"http+systemd:", "no sockets were passed to this process"},
        {"fcgi+unix:/a?mode", "'=' and a value must follow \"mode\""},
        {"fcgi+unix:/a?mode=", "mode must be an octal number"},
        {"fcgi+unix:/a?mode=8", "mode must be an octal number"},
        {"fcgi+unix:/a?mode=01777", "mode must be an octal number"},
        {"fcgi+unix:/a?mode=0660&mode=0660", "mode must be an octal number up to 777, once"},
        {"fcgi+unix:/a?owner=no-such-user", "owner must be one user of this machine"},
        {"fcgi+unix:/a?owner=", "owner must be one user of this machine"},
        {"fcgi+unix:/a?owner=4294967295", "owner must be one user of this machine"},
        {"fcgi+unix:/a?group=no-such-group", "group must be one group of this machine"},
        {"fcgi+unix:/a?allow=", "allow must be one list"},
        {"fcgi+unix:/a?Mode=0660", "\"Mode\" is not an option; known are mode, owner, group"},
        {"fcgi+unix:/a?mode=0660&&allow=0", "'=' and a value must follow \"\""},
        {"fcgi+unix:@a?mode=0660", "mode, owner and group are for sockets that have a file"},
        {"fcgi://127.0.0.1:1?mode=0660", "mode, owner and group are for sockets that have a file"},
        {"fcgi+fd:0?group=0", "mode, owner and group are for sockets that have a file"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error[0] = '\0';
        assert_int_equal(listen_parse(cases[i][0], eps, &count, &options, error),
                         WEIR_ERROR_ADDRESS);
        if (!strstr(error, cases[i][1]))
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i][0], error, cases[i][1]);
        assert_true(strncmp(error, cases[i][0], strlen(cases[i][0])) == 0 ||
                    strchr(cases[i][0], '?'));
    }
}

static void too_long(void **state)
{
    char url[2000];

    (void)state;
    memset(url, 'a', sizeof url);
    url[sizeof url - 1] = '\0';
    assert_int_equal(listen_parse(url, eps, &count, &options, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "longer than 1023 bytes"));
    memcpy(url, "fcgi+unix:/", 11);
    url[11 + 107] = '\0';
    assert_int_equal(listen_parse(url, eps, &count, &options, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "longer than 107 bytes"));
    memcpy(url, "fcgi://a", 8);
    memset(url + 8, 'a', 300);
    strcpy(url + 308, ":1");
    assert_int_equal(listen_parse(url, eps, &count, &options, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "the host name is too long"));
}

static void connecting(void **state)
{
    static const char *const cases[][2] = {
        {"fcgi://:9000", "the host is missing"},
        {"fcgi://*:9000", "the host is missing"},
        {"fcgi://127.0.0.1:0", "port 0 cannot be connected to"},
        {"fcgi+fd:0", "a descriptor can only be listened on"},
        {"fcgi+systemd:x", "a socket of systemd can only be listened on"},
        {"fcgi+unix:/a?mode=0660", "what follows '?' is for listening only"},
    };
    struct endpoint ep;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(endpoint_parse(cases[i][0], false, &ep, error), WEIR_ERROR_ADDRESS);
        if (!strstr(error, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error);
    }
    assert_int_equal(endpoint_parse(NULL, false, &ep, error), WEIR_ERROR_ADDRESS);
    assert_string_equal(error, "no address was given");
    assert_int_equal(endpoint_parse("fcgi://three.test:9000", false, &ep, error), 0);
    assert_int_equal(endpoint_parse("fcgi+unix:/a", false, &ep, error), 0);
}

/* ---- systemd --------------------------------------------------------------------------------- */

static void pass_sockets(const char *fds, const char *names)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%d", getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", fds, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
}

static void assert_fds(const char *url, const char *want)
{
    char got[64] = "";

    if (listen_parse(url, eps, &count, &options, error) != 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(eps[i].is_fd);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%d ", eps[i].fd);
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\" (%s)", url, got, want, error);
}

static void systemd_names(void **state)
{
    (void)state;
    pass_sockets("4", "web:api:web:1");
    assert_fds("fcgi+systemd:web", "3 5 ");
    assert_fds("http+systemd:api", "4 ");
    assert_fds("fcgi+systemd:", "3 4 5 6 ");
    assert_fds("fcgi+systemd:0", "3 ");
    assert_fds("fcgi+systemd:1", "6 "); /* a name comes before a number */
    assert_fds("fcgi+systemd:2", "5 ");
    assert_fds("fcgi+systemd:4", "");
    assert_string_equal(error, "fcgi+systemd:4: none of the 4 passed sockets has that name; "
                               "LISTEN_FDNAMES is \"web:api:web:1\"");
    assert_fds("fcgi+systemd:we", "");
    pass_sockets("2", NULL);
    assert_fds("fcgi+systemd:", "3 4 ");
    assert_fds("fcgi+systemd:1", "4 ");
    assert_fds("fcgi+systemd:web", "");
    pass_sockets("2", "");
    assert_fds("fcgi+systemd:1", "4 ");
    pass_sockets("0", NULL);
    assert_fds("fcgi+systemd:", "");
    pass_sockets("many", NULL);
    assert_fds("fcgi+systemd:", "");
    pass_sockets("1", NULL);
    setenv("LISTEN_PID", "1", 1); /* meant for another process */
    assert_fds("fcgi+systemd:", "");
    assert_non_null(strstr(error, "no sockets were passed to this process"));
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* ---- Inherited descriptors ------------------------------------------------------------------- */

static void descriptors(void **state)
{
    struct endpoint ep = {.is_fd = true};
    int pair[2], pipes[2], fd;

    (void)state;
    ep.fd = 999;
    assert_int_equal(inherited_open(&ep, error), WEIR_ERROR_ADDRESS);
    assert_string_equal(error,
                        "cannot listen on descriptor 999: it is not open; a listening stream "
                        "socket is expected");
    assert_int_equal(pipe(pipes), 0);
    ep.fd = pipes[0];
    assert_int_equal(inherited_open(&ep, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "it is not a socket"));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ep.fd = pair[0];
    assert_int_equal(inherited_open(&ep, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "it is not a listening socket"));
    ep.fd = fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(inherited_open(&ep, error), WEIR_ERROR_ADDRESS);
    assert_non_null(strstr(error, "it is not a stream socket"));
    close(fd);

    ep.fd = fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listen(fd, 1), 0);
    int own = inherited_open(&ep, error);
    assert_true(own > 2 && own != fd);
    assert_false(ep.is_unix);
    assert_int_equal(ep.address.any.sa_family, AF_INET);
    assert_true(fcntl(own, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(own);
    close(fd);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(pipes[i]);
    }
}

/* ---- Who may connect ------------------------------------------------------------------------- */

static bool allows(const struct access *access, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        return access_allows_address(access, (struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return access_allows_address(access, (struct sockaddr *)&in6);
}

static void address_lists(void **state)
{
    static struct access access;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    weir_str bad;

    (void)state;
    assert_true(allows(&access, "192.0.2.1"));
    assert_true(access_allows_address(&access, (struct sockaddr *)&un));
    assert_true(access_allows_user(&access, 7));

    assert_null(access_add_addresses(&access, WEIR_STR("192.0.2.1,10.0.0.0/9,::1,2001:db8::/33"),
                                     true, &bad));
    assert_true(allows(&access, "192.0.2.1"));
    assert_true(allows(&access, "::ffff:192.0.2.1"));
    assert_false(allows(&access, "192.0.2.2"));
    assert_true(allows(&access, "10.127.255.255"));
    assert_false(allows(&access, "10.128.0.0"));
    assert_true(allows(&access, "::1"));
    assert_false(allows(&access, "::2"));
    assert_true(allows(&access, "2001:db8:7fff::1"));
    assert_false(allows(&access, "2001:db8:8000::1"));
    assert_false(access_allows_address(&access, (struct sockaddr *)&un));
    assert_false(access_allows_user(&access, 0));

    memset(&access, 0, sizeof access);
    assert_null(access_add_addresses(&access, WEIR_STR("::ffff:192.0.2.1,0.0.0.0/0"), true, &bad));
    assert_true(allows(&access, "192.0.2.1"));
    assert_false(allows(&access, "2001:db8::1"));
}

static void bad_address_lists(void **state)
{
    static const char *const lists[] = {
        "",           "192.0.2",        "192.0.2.256",  "192.0.2.1,",
        ",192.0.2.1", "192.0.2.1, ::1", "localhost",    "192.0.2.1:80",
        "192.0.2.01", "192.0.2.1;::1",  "fe80::1%lo",   "1.2.3.4,,::1",
        "0x7f.1",     "::1/128",        "192.0.2.0/24", " 192.0.2.1",
    };
    static struct access access;
    weir_str bad;

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        memset(&access, 0, sizeof access);
        assert_non_null(access_add_addresses(&access, str_of(lists[i]), false, &bad));
        assert_true(access.restricted);
        assert_int_equal(listen_web_servers(lists[i], &access, error), WEIR_ERROR_ADDRESS);
        assert_non_null(strstr(error, "web_server_addrs is \""));
        setenv("FCGI_WEB_SERVER_ADDRS", lists[i], 1);
        assert_int_equal(listen_web_servers(NULL, &access, error), WEIR_ERROR_ADDRESS);
        assert_non_null(strstr(error, "FCGI_WEB_SERVER_ADDRS is \""));
        assert_non_null(strstr(error, "it must be a list like 192.0.2.1,192.0.2.2"));
    }
    setenv("FCGI_WEB_SERVER_ADDRS", "192.0.2.1,192.0.2.3", 1);
    assert_int_equal(listen_web_servers(NULL, &access, error), 0);
    assert_true(allows(&access, "192.0.2.3") && !allows(&access, "192.0.2.2"));
    assert_int_equal(listen_web_servers("192.0.2.2", &access, error), 0);
    assert_true(allows(&access, "192.0.2.2") && !allows(&access, "192.0.2.3"));
    unsetenv("FCGI_WEB_SERVER_ADDRS");
    assert_int_equal(listen_web_servers(NULL, &access, error), 0);
    assert_false(access.restricted);

    static const char *const nets[] = {"10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/8/8", "/8"};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        assert_non_null(access_add_addresses(&access, str_of(nets[i]), true, &bad));
}

static void user_lists(void **state)
{
    static struct access access;
    weir_str bad;
    char many[ACCESS_MAX * 2 + 2];

    (void)state;
    assert_null(access_add_users(&access, WEIR_STR("root,1000"), &bad));
    assert_true(access_allows_user(&access, 0) && access_allows_user(&access, 1000));
    assert_false(access_allows_user(&access, 1));
    assert_non_null(access_add_users(&access, WEIR_STR("root,no-such-user"), &bad));
    assert_true(str_eq(bad, WEIR_STR("no-such-user")));
    assert_non_null(access_add_users(&access, WEIR_STR("root,"), &bad));

    memset(&access, 0, sizeof access);
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 2 ? ',' : '1';
    assert_null(access_add_users(&access, str(many, ACCESS_MAX * 2 - 1), &bad));
    memset(&access, 0, sizeof access);
    assert_non_null(access_add_users(&access, str(many, ACCESS_MAX * 2 + 1), &bad));
}

static void access_errors(void **state)
{
    static struct access access;

    (void)state;
    assert_listens("fcgi+unix:/a?allow=root,10.0.0.1", "fcgi+unix:/a");
    assert_int_equal(listen_access(&eps[0], &options, &access, error), WEIR_ERROR_ADDRESS);
    assert_string_equal(error,
                        "fcgi+unix:/a: allow is a list of users, and \"10.0.0.1\" is no user "
                        "of this machine");
    assert_listens("http://[::1]:80?allow=root", "http://[::1]:80");
    assert_int_equal(listen_access(&eps[0], &options, &access, error), WEIR_ERROR_ADDRESS);
    assert_string_equal(error, "http://[::1]:80: allow is a list of IP addresses and networks, and "
                               "\"root\" is not an IP address");
}

/* ---- UNIX sockets ---------------------------------------------------------------------------- */

static char folder[] = "/tmp/weir-test-XXXXXX";

static int in_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int out_of_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1; /* nothing was left behind */
}

static int open_path(const char *path_and_options, struct socket_file *file)
{
    char url[200];

    snprintf(url, sizeof url, "fcgi+unix:%s", path_and_options);
    if (listen_parse(url, eps, &count, &options, error) != 0)
        fail_msg("%s", error);
    return listen_open(&eps[0], &options, LISTEN_ALONE, file, error);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    return st.st_mode & 0777;
}

static void permissions(void **state)
{
    mode_t before = umask(027);
    struct socket_file file;
    struct stat st;
    int fd;

    (void)state;
    assert_true((fd = open_path("s", &file)) >= 0);
    assert_int_equal(mode_of("s"), 0750);
    socket_file_remove(&file);
    close(fd);
    assert_true((fd = open_path("s?mode=0666", &file)) >= 0);
    assert_int_equal(mode_of("s"), 0666);
    socket_file_remove(&file);
    socket_file_remove(&file); /* again: nothing happens */
    close(fd);
    char own[64];
    snprintf(own, sizeof own, "s?owner=%u&group=%u", getuid(), getgid());
    assert_true((fd = open_path(own, &file)) >= 0);
    assert_int_equal(mode_of("s"), 0660);
    assert_int_equal(lstat("s", &st), 0);
    assert_int_equal(st.st_uid, getuid());
    socket_file_remove(&file);
    close(fd);
    umask(before);
}

static void only_ours_is_removed(void **state)
{
    struct socket_file first, second;
    int fd, other;

    (void)state;
    assert_true((fd = open_path("s", &first)) >= 0);
    assert_int_equal(open_path("s", &second), WEIR_ERROR_SYSTEM);
    assert_string_equal(error, "cannot listen on fcgi+unix:s: Address already in use");
    close(fd); /* stale now */
    assert_true((other = open_path("s", &second)) >= 0);
    socket_file_remove(&first); /* has been replaced: stays */
    (void)mode_of("s");
    socket_file_remove(&second);
    assert_int_equal(access("s", F_OK), -1);
    close(other);
}

static void what_is_no_socket_stays(void **state)
{
    struct socket_file file;

    (void)state;
    close(open("s", O_CREAT | O_WRONLY, 0600));
    assert_int_equal(open_path("s", &file), WEIR_ERROR_SYSTEM);
    assert_string_equal(error, "cannot listen on fcgi+unix:s: the file exists and is no socket");
    assert_int_equal(unlink("s"), 0);
    assert_int_equal(symlink("nowhere", "s"), 0);
    assert_int_equal(open_path("s", &file), WEIR_ERROR_SYSTEM);
    assert_int_equal(unlink("s"), 0);
    assert_int_equal(open_path("no/such/folder", &file), WEIR_ERROR_SYSTEM);
    assert_non_null(strstr(error, "No such file or directory"));

    char path[102]; /* there must be room for the temporary name */
    memset(path, 'a', sizeof path);
    path[101] = '\0';
    assert_int_equal(open_path(path, &file), WEIR_ERROR_SYSTEM);
    assert_non_null(strstr(error, "File name too long"));
    path[100] = '\0';
    int fd = open_path(path, &file);
    assert_true(fd >= 0);
    socket_file_remove(&file);
    close(fd);
}

/* Many processes find the same dead socket: one gets its place, the others learn that. */
static void one_of_many_replaces(void **state)
{
    enum { PROCESSES = 8, ROUNDS = 20 };
    struct socket_file file;
    int winners = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int fd = open_path("s", &file), done[2], gate[2];
        close(fd);
        close(file.folder);
        assert_int_equal(pipe(gate), 0);
        assert_int_equal(pipe(done), 0);
        for (int i = 0; i < PROCESSES; i++) {
            if (fork() != 0)
                continue;
            char c;
            close(gate[1]);
            close(done[0]);
            (void)!read(gate[0], &c, 1);
            fd = open_path("s", &file);
            (void)!write(done[1], fd >= 0 ? "+" : "-", 1);
            close(done[1]);
            if (fd >= 0)
                sleep(60); /* until killed: it stays live */
            _exit(0);
        }
        close(gate[0]);
        close(gate[1]);
        close(done[1]);
        char results[PROCESSES];
        size_t have = 0;
        while (have < sizeof results) {
            ssize_t n = read(done[0], results + have, sizeof results - have);
            assert_true(n > 0);
            have += (size_t)n;
        }
        int won = 0;
        for (size_t i = 0; i < have; i++)
            won += results[i] == '+';
        close(done[0]);
        assert_int_equal(won, 1);
        winners += won;

        /* What stands there answers: nobody's live socket was taken away. */
        int client = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
        assert_int_equal(connect(client, (struct sockaddr *)&un, sizeof un), 0);
        struct ucred winner;
        socklen_t len = sizeof winner;
        assert_int_equal(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &winner, &len), 0);
        assert_int_equal(kill(winner.pid, SIGKILL), 0);
        close(client);
        for (int i = 0; i < PROCESSES; i++)
            assert_true(wait(NULL) > 0);
        assert_int_equal(unlink("s"), 0);
    }
    assert_int_equal(winners, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_forms),
        cmocka_unit_test(all_addresses_of_a_host),
        cmocka_unit_test(file_options),
        cmocka_unit_test(listening_errors),
        cmocka_unit_test(too_long),
        cmocka_unit_test(connecting),
        cmocka_unit_test(systemd_names),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(address_lists),
        cmocka_unit_test(bad_address_lists),
        cmocka_unit_test(user_lists),
        cmocka_unit_test(access_errors),
        cmocka_unit_test(permissions),
        cmocka_unit_test(only_ours_is_removed),
        cmocka_unit_test(what_is_no_socket_stays),
        cmocka_unit_test(one_of_many_replaces),
    };
    return cmocka_run_group_tests_name("net/endpoint", tests, in_folder, out_of_folder);
}
