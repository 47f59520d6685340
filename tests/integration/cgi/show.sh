#!/bin/sh
# The CGI script of test_in_front.py, run by fcgiwrap.
case $QUERY_STRING in
status=*)   printf 'Status: %s Chosen\r\n' "${QUERY_STRING#status=}" ;;
redirect=*) printf 'Status: 302 Found\r\nLocation: http://localhost/elsewhere\r\n\r\n'; exit ;;
output=*)   printf 'Content-Type: text/plain\r\n\r\n'
            yes 0123456789abcde | head -c "${QUERY_STRING#output=}"; exit ;;
stderr=*)   echo 'a complaint for the log' >&2 ;;
esac
printf 'Content-Type: application/json\r\n\r\n'
sum=$(sha256sum | cut -d ' ' -f 1)
if [ "$REQUEST_METHOD" != HEAD ]; then
    printf '{"method": "%s", "remote_addr": "%s", "path_info": "%s", "content_length": "%s", "sha256": "%s"}\n' \
        "$REQUEST_METHOD" "$REMOTE_ADDR" "$PATH_INFO" "$CONTENT_LENGTH" "$sum"
fi
