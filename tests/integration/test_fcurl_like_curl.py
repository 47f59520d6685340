"""fcurl beside curl: the same command line, with curl over HTTP and with fcurl over FastCGI, against
the same program. What they print, the files they leave and their exit codes must be the same.

In a command line U stands for the URL of the site, and every run has a folder of its own with the
files that FILES lists. The site's host is named site.example for both (--connect-to for curl)."""
import re
import subprocess

import pytest

from server import BUILD

FILES = {
    'data.txt': b'line one\nline two\r\n',
    'upload.bin': bytes(range(256)) * 40,
    'headers.txt': b'X-One: 1\nX-Two: 2\n',
    'format.txt': b'%{http_code} %{size_download}\n',
    'form.txt': b'text of a part',
    'half.txt': b'abcdefghij',
    'cookies.txt': b'# Netscape HTTP Cookie File\n'
                   b'site.example\tFALSE\t/\tFALSE\t0\tin\tfile\n'
                   b'other.example\tFALSE\t/\tFALSE\t0\tnot\tours\n'
                   b'.example\tTRUE\t/\tFALSE\t0\tmuch\ttoo wide\n'
                   b'.site.example\tTRUE\t/echo\tFALSE\t4000000000\tdeep\tpath\n',
    'etag.txt': b'"v1"\n',
    'config': b'# a config file\nheader = "X-Config: yes"\nurl = U/echo\n-d "a b"\n',
}

LINES = [
    # the request
    'U/echo',
    'U/echo/%41/../b?q=1&r=%20',
    '--path-as-is U/echo/a/../b',
    '-X DELETE U/echo',
    '-X POST -H X-Test:1 U/echo',
    '-H "X-One: 1" -H "X-Two:   spaces  " U/echo',
    '-H @headers.txt U/echo',
    '-H Accept: U/echo',
    '-H "X-Empty;" U/echo',
    '-H "Host: other.example" U/echo',
    '-A agent/1 U/echo',
    '-A "" U/echo',
    '-e http://from.example/ U/echo',
    '-u user:pa:ss U/echo',
    '-b a=b U/echo',
    '-b "a=b; c=d" U/echo',
    '-b cookies.txt U/echo',
    '-r 2-5 U/size/100',
    '-r 2- U/size/10',
    '--request-target /other?x U/echo',
    '--url-query a=b --url-query "c d" --url-query =e U/echo?x=y',
    '-z "Mon, 02 Mar 2026 10:00:00 GMT" U/size/10',
    '--etag-compare etag.txt -i U/size/10',
    # what is sent
    '-d a=b U/echo',
    '-d a=b -d c=d U/echo',
    '-d @data.txt U/echo',
    '--data-binary @data.txt U/echo',
    '--data-raw @data.txt U/echo',
    '--data-urlencode "a=b c&d" --data-urlencode "x y" U/echo',
    '--data-urlencode name@data.txt U/echo',
    '--json "{}" U/echo',
    '-d "" U/echo',
    '-G -d a=b -d c=d U/echo?x=1',
    '-G -I -d a=b U/echo',
    '-T upload.bin U/echo',
    '-T upload.bin U/echo/',
    '-X POST -T upload.bin U/echo',
    '-F a=b -F c=@form.txt U/echo',
    '-F "a=b;type=text/plain" -F "f=@form.txt;filename=x.html" U/echo',
    '-F "t=<form.txt" --form-string "s=@x;y" U/echo',
    '-H "Content-Type: text/x" -d abc U/echo',
    # the response
    '-i U/size/10',
    '-I U/size/10',
    '-D head.txt U/size/10',
    '-D - -o out.txt U/size/10',
    '-o out.txt U/size/100000',
    '-O U/size/10',
    '-O --output-dir dir --create-dirs U/size/10',
    '-o dir/a/b.txt --create-dirs U/size/5',
    '-OJ U/disposition',
    '--compressed U/coded/gzip',
    '--compressed U/coded/deflate',
    '--compressed -o out.txt -w "%{size_download}" U/coded/br',
    '-o out#1.txt U/size/[1-3]',
    '-o "#1-#2.txt" "U/size/{10,20}?[a-b]"',
    'U/echo/{a,b} U/size/3',
    '-g U/echo?{a}',
    '-C - -o half.txt U/size/26',
    '-C 20 U/size/26',
    '--max-filesize 100 -o out.txt U/size/1000',
    '--no-clobber -o half.txt U/size/3',
    '--etag-save tag.txt U/size/3',
    '-R -o out.txt U/size/3',
    # failure
    '-f U/status/404',
    '-f U/status/200',
    '--fail-with-body U/status/500',
    'U/status/500',
    '-f -o out.txt U/status/500',
    '-o /no/such/folder/x U/size/3',
    '-T missing.bin U/echo',
    '-m 0.3 U/slow?3000',
    '-Z -f U/status/404 U/status/200',
    '--fail-early -f U/status/404 U/size/3',
    '--no-such-option U/echo',
    '-m',
    'U/echo/[1-',
    'ftp2://site.example/',
    # redirects
    '-L U/redirect/3',
    'U/redirect/1',
    '-i -L U/redirect/1',
    '-L --max-redirs 2 U/redirect/3',
    '-L -d a=b U/redirect/1?code=302',
    '-L -d a=b U/redirect/1?code=303',
    '-L -d a=b U/redirect/1?code=307',
    '-L -d a=b --post301 U/redirect/1?code=301',
    '-L -e "http://from.example/;auto" U/redirect/1',
    '-L -X PUT -d a=b U/redirect/1',
    '-L -u a:b U/to?http://site.example/echo',
    '-L U/to?ftp2://elsewhere.example/',
    # cookies
    '-c - -o out.txt U/set-cookie?a=b;path=/',
    '-b "" U/set-cookie?a=b;path=/ U/echo',
    '-c jar.txt U/set-cookie?a=b;path=/;max-age=100 -b "" U/echo',
    '-b cookies.txt -j U/echo',
    # retry
    '--retry 2 U/flaky/KEY?1',
    '--retry 1 -f U/flaky/KEY?5',
    # -w
    '-o out.txt -w "%{http_code} %{size_download} %{content_type} %{num_redirects}\\n" U/size/10',
    '-o out.txt -w "%{response_code} %{method} %{urlnum} %{exitcode}" U/size/10',
    '-o out.txt -w "%header{etag} %{url_effective} %{redirect_url} 100%% \\t|" U/redirect/1',
    '-o out.txt -w "%{filename_effective} %{size_upload}" -d abc U/echo',
    '-o out.txt -w @format.txt U/size/10',
    '-o out.txt -w "%{stderr}to stderr%{stdout}to stdout" U/size/10',
    '-o out.txt -w "%{onerror}failed %{exitcode} %{errormsg}" U/size/10',
    '-s -o out.txt -w "%{header_json}" U/status/200',
    # several
    'U/size/3 --next -d x U/echo',
    '-K config',
    '-K config -X PUT',
    '-Z --parallel-max 3 -o a#1 U/size/[1-9]',
    '-sS U/size/3',
    # the rest: what scripts rely on
    'U/echo#fragment -w "%{url_effective}"',
    'http://u:p%40w@site.example/echo',
    '-T "" U/echo',
    '-T - U/echo < data.txt',
    '-T "{data.txt,form.txt}" U/echo/',
    '-d @- U/echo < data.txt',
    '--data-binary @- U/echo < upload.bin',
    '-H @- U/echo < headers.txt',
    '-K - U/echo < config',
    '-F f=@- U/echo < data.txt',
    '-F "a=b;type=text/plain,x" U/echo',
    '-F "f=@missing.bin" U/echo',
    '-F "a=<data.txt;type=x/y" U/echo',
    '-C 10 -T upload.bin U/echo',
    '-C - -T data.txt U/echo',
    '-r 0-3 -T data.txt U/echo',
    '-C - -o half.txt U/size/10',
    '-f -C - -o half.txt U/size/10',
    '-i -C - -o half.txt U/size/20',
    '-z half.txt -o half.txt U/size/10',
    '-z "Mon, 02 Mar 2026 10:00:00 GMT" -o half.txt U/size/10?plain',
    '-z "Sun, 01 Mar 2026 10:00:00 GMT" -o half.txt U/size/10?plain',
    '-z "-Sun, 01 Mar 2026 10:00:00 GMT" U/size/10?plain',
    '-z "-Mon, 02 Mar 2027 10:00:00 GMT" U/size/10?plain',
    '--etag-compare etag.txt -o half.txt U/size/10',
    '--etag-compare etag.txt --etag-save etag.txt U/size/10',
    '-L -u a:b "U/to?http://site.example:81/echo"',
    '-L -u a:b "U/to?http://other.example/echo"',
    '-L -H "Authorization: x" -H "Cookie: a=b" -H "X-A: b" "U/to?http://other.example/echo"',
    '--location-trusted -u a:b "U/to?http://other.example/echo"',
    '-L -T data.txt U/redirect/1?code=303',
    '-L -T data.txt U/redirect/1?code=307',
    '-L -T - U/redirect/1?code=307 < data.txt',
    '-L -X POST -d x U/redirect/1?code=302',
    '-L -I U/redirect/1',
    '-L -o out.txt -w "%{num_redirects} %{url_effective} %{http_code}" U/redirect/2',
    '-L -D head.txt -o out.txt U/redirect/2',
    '-L -f "U/to?/status/404"',
    '-L -F a=b U/redirect/1?code=307',
    '-L "U/to?//site.example/echo"',
    '-L "U/to?../x/./echo?q=1"',
    '-L --max-redirs 0 U/redirect/1',
    '-L --max-redirs -1 U/redirect/2',
    '-b a=b -H "Cookie: x=y" U/echo',
    '-H "Content-Type:" -d x U/echo',
    '-H "User-Agent: one" U/echo',
    '-H "Authorization: x" -u a:b U/echo',
    '-H "X-A: \xc3\xa4" U/echo',
    '-H "no colon" U/echo',
    '-H "X-A:" U/echo',
    '-e "" U/echo',
    '-u "" U/echo',
    '-u : U/echo',
    '-d "" -d a U/echo',
    '-d @data.txt -d @form.txt U/echo',
    '--data-urlencode =x=y --data-urlencode @data.txt U/echo',
    '--json @form.txt --json "{}" U/echo',
    '--json "{}" -H "Content-Type: x/y" -H "Accept: z/z" U/echo',
    '-G -d @data.txt U/echo',
    '-G --data-urlencode "a=b c" U/echo',
    '-G U/echo',
    '--get --json "{}" U/echo',
    '-I -d x U/echo',
    '-I -f U/status/404',
    '-I -o head.txt U/size/10',
    '-i -f U/status/404',
    '-i --fail-with-body U/status/404',
    '-f -o half.txt U/status/404',
    '--remove-on-error -o half.txt -f U/status/404',
    '--remove-on-error --fail-with-body -o half.txt U/status/404',
    '--max-filesize 5 U/size/10',
    '-o - U/size/10',
    '-o /dev/null -w "%{size_download}" U/size/10',
    '-o "" U/size/10',
    '-O U/',
    '-O U/size/10?a=b',
    '-O "U/size/5%20x"',
    '-O -o x U/size/1 U/size/2',
    '--remote-name-all U/size/1 U/size/2 -o x',
    '-o a.txt U/size/1 U/size/2',
    '-o a.txt U/size/1 --next -o b.txt U/size/2',
    '-w "%{url}|" U/size/1 --next U/size/2',
    'U/size/1 -f U/status/404 --next U/status/404',
    'U/status/404 --next -f U/status/404 U/size/1',
    '-w "%{nonsense}|%{http_code" U/size/1',
    '-w "\\x %% % %x %header{x} %{header_json" -o out.txt U/status/200',
    '-w "" U/size/1',
    '-K missing U/size/1',
    '-m -1 U/size/1',
    '-m 99999999999999999999 U/size/1',
    '--max-redirs 99999999999999999999 U/size/1',
    '--retry -1 U/size/1',
    '--limit-rate 1Q U/size/1',
    '--max-filesize 99999999999999999999 U/size/1',
    '-C 99999999999999999999 U/size/1',
    '--url U/size/1',
    '""',
    '"" U/size/1',
    'U/size/1 ""',
    '"http://"',
    '"http://[::1"',
    '"http://site.example:99999/"',
    '"http://site.example:x/"',
    '"http:/site.example/echo"',
    '"site.example/echo"',
    '"U/echo/a b"',
    '"U/echo/[a-c]" -o "o_#1_#2_#0"',
    '"U/echo/[z-a]"',
    '"U/echo/{a,b"',
    '"U/echo/[1-3:0]"',
    '"U/size/{1,2}{3,4}" -o "#2#1"',
    '-g "U/echo/[x]"',
    '"U/echo/\\[x\\]"',
    '--retry 1 --retry-all-errors -T missing U/echo',
    '--retry 1 -o out.txt U/flaky/KEYf?1',
    '--retry 1 -T data.txt U/flaky/KEYg?1',
    '-Z U/size/1 U/status/404',
    '-Z -f U/size/1 U/status/404',
    '-Z --fail-early -f U/size/1 U/status/404',
    '-c jar.txt -b "" -o out.txt "U/set-cookie?a=b;domain=site.example" "U/set-cookie?c=d;domain=other.example"',
    '-c jar.txt -b "" -o out.txt "U/set-cookie?__Host-a=b;path=/" "U/set-cookie?e=f;secure" "U/set-cookie?noequals"',
    '-b "" "U/set-cookie?a=b;path=/" "U/set-cookie?a=;path=/;max-age=0" U/echo',
    '-b missing.txt U/echo',
    '-c missing/jar U/echo',
    '--no-clobber -o half.txt U/size/3 --next -o half.txt U/size/4',
    '--create-dirs -o a/b/c U/size/1 --next -o a/b/d --create-dirs U/size/2',
    '--output-dir missing -o x U/size/1',
    '--no-location -L U/redirect/1',
    '-L --no-location U/redirect/1',
    '--no-silent U/size/1',
    '--re 1 U/size/1',
    '--no-output x U/size/1',
    '-sSfo out.txt U/size/1',
    '-XPUT -HX-A:b U/echo',
    '-- U/size/1',
]

DROPPED = re.compile(rb'(?:"date":\[.*\],\n|^(?:date|connection|transfer-encoding|keep-alive):.*\r\n)', re.M | re.I)
BOUNDARY = re.compile(rb'-{20,}[0-9a-zA-Z]+')
LENGTH = re.compile(rb'(body: |content-length: )\d+')


def same_words(data):
    """What the carrier adds, and what is random, made alike."""
    data = DROPPED.sub(b'', data)
    if BOUNDARY.search(data):
        data = LENGTH.sub(rb'\1N', BOUNDARY.sub(b'BOUNDARY', data))
    return data.replace(b'written by fcurl', b'').replace(
        b'https://curl.se/docs/http-cookies.html\n# This file was generated by libcurl! Edit at your own risk.', b'')


def run(tool, line, folder, key):
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data.replace(b'U/', b'http://site.example/'))
    line = line.replace('U/', 'http://site.example/').replace('KEY', key)
    line = line.replace('--next', '--next ' + tool.partition(' ')[2])
    done = subprocess.run(['bash', '-c', f'{tool} {line}'], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60, env={'HOME': str(folder), 'PATH': '/usr/bin:/bin'})
    assert b'Sanitizer' not in done.stderr and b'runtime error' not in done.stderr, done.stderr
    left = {str(path.relative_to(folder)): same_words(path.read_bytes())
            for path in sorted(folder.rglob('*')) if path.is_file()}
    times = {name: (folder / name).stat().st_mtime for name in left if '-R' in line and name == 'out.txt'}
    return {'exit code': done.returncode, 'stdout': same_words(done.stdout), 'files': left,
            'times': times}, done.stderr


@pytest.fixture(scope='module')
def tools(module_servers):
    site = BUILD / 'tests' / 'integration' / 'programs' / 'site'
    http = module_servers.start('site', [site, 'http://127.0.0.1:0'], clean=True,
                                ready=r'^site: listening on (\S+)$')
    fcgi = module_servers.start('site', [site, f'fcgi+unix:{module_servers.folder}/site.sock'],
                                clean=True, ready=r'^site: listening on (\S+)$')
    same = '-A agent'
    return {'curl': f'curl {same} --connect-to ::127.0.0.1:{http.port}',
            'fcurl': f'{BUILD}/fcurl {same} --to {fcgi.url}'}


@pytest.mark.parametrize('line', LINES)
def test_same(tools, servers, line):
    curl, curl_words = run(tools['curl'], line, servers.folder / 'curl', 'curl')
    fcurl, fcurl_words = run(tools['fcurl'], line, servers.folder / 'fcurl', 'fcurl')
    assert fcurl == curl, f'curl said {curl_words!r}, fcurl said {fcurl_words!r}'


def test_enough_of_them():
    assert len(set(LINES)) == len(LINES) >= 60
