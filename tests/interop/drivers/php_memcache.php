<?php
// Reads setups of Memcache objects as php_memcached.php does; the options are php.ini settings.
// With "get": true the keys are really asked for, else findServer is.
error_reporting(0);
ini_set('memory_limit', '1G');
while (($line = fgets(STDIN)) !== false) {
  $setup = json_decode($line, true);
  foreach ($setup['options'] as [$name, $value]) ini_set($name, $value);
  $client = new Memcache();
  foreach ($setup['servers'] as [$host, $port, $weight]) {
    if ($host[0] === '/') $host = "unix://$host";
    $client->addServer($host, $port, false, $weight);
  }
  $owners = [];
  foreach ($setup['keys'] as $key) {
    $key = hex2bin($key);
    $owners[] = ($setup['get'] ?? false) ? $client->get($key) : $client->findServer($key);
  }
  $client->close();
  foreach ($setup['options'] as [$name, $value]) ini_restore($name);
  echo json_encode($owners), "\n";
}
