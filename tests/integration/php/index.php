<?php
// The application of test_in_front.py: ?do=... chooses what it does.
$do = $_GET['do'] ?? 'show';
$body = [];
switch ($do) {
case 'show':
    $input = file_get_contents('php://input');
    $body = [
        'method' => $_SERVER['REQUEST_METHOD'],
        'uri' => $_SERVER['REQUEST_URI'],
        'script' => $_SERVER['SCRIPT_NAME'],
        'path_info' => $_SERVER['PATH_INFO'] ?? null,
        'remote_addr' => $_SERVER['REMOTE_ADDR'],
        'https' => $_SERVER['HTTPS'] ?? null,
        'length' => strlen($input),
        'sha256' => hash('sha256', $input),
        'content_length' => $_SERVER['CONTENT_LENGTH'] ?? null,
    ];
    break;
case 'form':
    $body = $_POST;
    break;
case 'upload':
    $file = $_FILES['file'];
    $body = ['name' => $file['name'], 'size' => $file['size'], 'error' => $file['error'],
             'sha256' => hash_file('sha256', $file['tmp_name']), 'note' => $_POST['note']];
    break;
case 'session':
    session_start();
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    $body = ['visits' => $_SESSION['visits']];
    break;
case 'redirect':
    header('Location: /index.php?do=show', true, 303);
    exit;
case 'status':
    http_response_code((int)$_GET['code']);
    $body = ['code' => (int)$_GET['code']];
    break;
case 'output':
    header('Content-Type: text/plain');
    echo str_repeat("0123456789abcde\n", 65536);
    exit;
case 'headers':
    $lengths = [];
    foreach ($_SERVER as $name => $value) {
        if (str_starts_with($name, 'HTTP_X_')) {
            $lengths[] = strlen($value);
        }
    }
    echo count($lengths), ' ', array_sum($lengths), "\n";
    exit;
case 'error':
    error_log('a complaint for the log');
    $body = ['logged' => true];
    break;
}
header('Content-Type: application/json');
echo json_encode($body), "\n";
