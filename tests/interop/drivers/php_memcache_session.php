<?php
// Reads a setup of sessions kept by pecl memcache as php_session.php does, and answers in the same
// way.
error_reporting(0);
ini_set('memory_limit', '1G');
ini_set('session.save_handler', 'memcache');
ini_set('session.use_strict_mode', '0');
$setup = json_decode(fgets(STDIN), true);
$servers = array_map(
  fn($server) => "tcp://$server[0]:$server[1]?persistent=1&weight=$server[2]", $setup['servers']);
ini_set('session.save_path', implode(', ', $servers));
$owners = [];
foreach ($setup['keys'] as $key) {
  session_id(hex2bin($key));
  session_start(['use_cookies' => 0, 'cache_limiter' => '', 'gc_probability' => 0]);
  $owners[] = $_SESSION['who'];
  session_abort();
}
echo json_encode($owners), "\n";
