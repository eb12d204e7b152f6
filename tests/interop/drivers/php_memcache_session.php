<?php
// Reads setups of sessions kept by pecl memcache as php_session.php does, one a line, and answers
// each in the same way.
error_reporting(0);
ob_start();  // once something is printed, no session can be started
ini_set('memory_limit', '1G');
ini_set('session.save_handler', 'memcache');
ini_set('session.use_strict_mode', '0');
while (($line = fgets(STDIN)) !== false) {
  $setup = json_decode($line, true);
  $servers = array_map(
    fn($server) => "tcp://$server[0]:$server[1]?persistent=1&weight=$server[2]", $setup['servers']);
  ini_set('session.save_path', implode(', ', $servers));
  foreach ($setup['options'] as [$name, $value]) ini_set($name, $value);
  $owners = [];
  foreach ($setup['keys'] as $key) {
    session_id(hex2bin($key));
    session_start(['use_cookies' => 0, 'cache_limiter' => '', 'gc_probability' => 0]);
    $owners[] = $_SESSION['who'];
    session_abort();
  }
  foreach ($setup['options'] as [$name, $value]) ini_restore($name);
  echo json_encode($owners), "\n";
}
