<?php
// Writes keys as a PHP application would. On stdin, JSON:
//   {"client": "Memcached" or "Memcache", "options": [[NAME, VALUE], ...], "ports": [...],
//    "values": {KEY: VALUE, ...}}
// Options are constants of Memcached (in their order), or php.ini settings of memcache.
// Prints the number of keys that could not be written.
$job = json_decode(file_get_contents('php://stdin'), true);
if ($job['client'] === 'Memcached') {
  $client = new Memcached();
  foreach ($job['options'] as [$name, $value]) {
    $named = is_bool($value) ? $value : constant("Memcached::$value");
    $client->setOption(constant("Memcached::$name"), $named);
  }
} else {
  foreach ($job['options'] as [$name, $value]) ini_set($name, $value);
  $client = new Memcache();
}
foreach ($job['ports'] as $port) $client->addServer('127.0.0.1', $port);
$failed = 0;
foreach ($job['values'] as $key => $value) {
  $failed += !$client->set($key, $value);
}
echo $failed, "\n";
