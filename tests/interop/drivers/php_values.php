<?php
// Stores and reads values of each type by php-memcached or pecl memcache. Reads lines of JSON,
//   {"client": NAME, "options": [[NAME, VALUE], ...], "servers": [[HOST, PORT, WEIGHT], ...],
//    "do": "write" or "check", "prefix": TEXT}
// and answers each with a line: {NAME: whether PREFIXNAME was written, or read back the same}.
function values(): array {
  return [
    'string' => 'plain text', 'empty' => '', 'bytes' => "\0\xff\r\nEND\r\n", 'digits' => '0123',
    'int' => 42, 'negative' => -7, 'true' => true, 'false' => false, 'null' => null,
    'float' => 1.25e-3, 'array' => [1, 'two' => [3.5, "four\r\n"]],
    'object' => new ArrayObject(['a' => 1]), 'long' => str_repeat("to be compressed\r\n", 1000),
  ];
}

function php_memcached(array $setup): array {
  $client = new Memcached();
  foreach ($setup['options'] as [$name, $value]) {
    $client->setOption(constant("Memcached::$name"), $value === 'true' ? true : constant("Memcached::$value"));
  }
  $client->addServers($setup['servers']);
  return [
    fn($key, $value) => $client->set($key, $value),
    function ($key) use ($client) {
      $value = $client->get($key);
      return $client->getResultCode() === Memcached::RES_SUCCESS ? $value : 'no such key';
    },
  ];
}

function pecl_memcache(array $setup): array {
  foreach ($setup['options'] as [$name, $value]) ini_set($name, $value);
  $client = new Memcache();
  foreach ($setup['servers'] as [$host, $port, $weight]) {
    $client->addServer($host, $port, false, $weight);
  }
  return [
    fn($key, $value) => $client->set($key, $value, is_string($value) && strlen($value) > 1000 ? MEMCACHE_COMPRESSED : 0),
    fn($key) => $client->get($key),
  ];
}

while (($line = fgets(STDIN)) !== false) {
  $setup = json_decode($line, true);
  [$set, $get] = $setup['client'] === 'php-memcached' ? php_memcached($setup) : pecl_memcache($setup);
  $answers = [];
  foreach (values() as $name => $value) {
    if ($value === null && $setup['client'] === 'pecl-memcache') continue;  // it gives '' by itself
    $key = $setup['prefix'] . $name;
    if ($setup['do'] === 'write') {
      $answers[$name] = $set($key, $value);
    } else {
      $read = $get($key);
      $answers[$name] = is_object($value) ? $read == $value : $read === $value;
    }
  }
  echo json_encode($answers), "\n";
}
