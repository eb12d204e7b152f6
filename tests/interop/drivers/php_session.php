<?php
// Reads one setup as php_memcached.php does, whose options are php.ini settings and whose keys are
// session ids, opens each session, and answers with what its servers put into $_SESSION['who'].
error_reporting(0);
ini_set('memory_limit', '1G');
$setup = json_decode(fgets(STDIN), true);
ini_set('session.save_handler', 'memcached');
$servers = array_map(fn($server) => "$server[0]:$server[1]:$server[2]", $setup['servers']);
ini_set('session.save_path', implode(',', $servers));
ini_set('memcached.sess_binary_protocol', '0');
ini_set('memcached.sess_locking', '0');
ini_set('memcached.sess_persistent', '1');
ini_set('session.use_strict_mode', '0');
foreach ($setup['options'] as [$name, $value]) ini_set($name, $value);
$owners = [];
foreach ($setup['keys'] as $key) {
  session_id(hex2bin($key));
  session_start(['use_cookies' => 0, 'cache_limiter' => '', 'gc_probability' => 0]);
  $owners[] = $_SESSION['who'];
  session_abort();
}
echo json_encode($owners), "\n";
