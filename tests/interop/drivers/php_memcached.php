<?php
// Reads setups of Memcached objects, a JSON object a line:
//   {"options": [[NAME, VALUE], ...], "servers": [[HOST, PORT, WEIGHT], ...], "keys": [HEX, ...]}
// and answers each with a line: a JSON array of the server of each key, "host:port".
// With "get": true, the keys are really asked for, and the answers are what the servers said.
// The options "addServers" and "addServer" are where the servers are added, the first if neither is there.
function constant_of(string $name) {
  return is_numeric($name) ? (int)$name : constant("Memcached::$name");
}

function value_of(string $text) {
  if ($text === 'true' || $text === 'false') return $text === 'true';
  return constant_of($text);
}

function add_servers(Memcached $client, string $how, array $servers): void {
  if ($how === 'addServers') {
    $client->addServers($servers);
    return;
  }
  foreach ($servers as [$host, $port, $weight]) $client->addServer($host, $port, $weight);
}

error_reporting(0);
ini_set('memory_limit', '1G');
while (($line = fgets(STDIN)) !== false) {
  $setup = json_decode($line, true);
  $ini = array_filter($setup['options'], fn($option) => str_starts_with($option[0], 'memcached.'));
  foreach ($ini as [$name, $value]) ini_set($name, $value);
  $client = new Memcached();
  foreach ($ini as [$name, $value]) ini_restore($name);
  $added = false;
  foreach ($setup['options'] as [$name, $value]) {
    if (str_starts_with($name, 'memcached.')) continue;
    if ($name === 'addServers' || $name === 'addServer') {
      add_servers($client, $name, $setup['servers']);
      $added = true;
    } elseif ($name === 'setBucket') {
      $client->setBucket(array_map('intval', explode(',', $value)), null, 0);
    } elseif ($name === 'OPT_PREFIX_KEY') {
      $client->setOption(Memcached::OPT_PREFIX_KEY, $value);
    } else {
      $client->setOption(constant_of($name), value_of($value));
    }
  }
  if (!$added) add_servers($client, 'addServers', $setup['servers']);
  $owners = [];
  foreach ($setup['keys'] as $key) {
    if ($setup['get'] ?? false) {
      $owners[] = $client->get(hex2bin($key));
      continue;
    }
    $server = $client->getServerByKey(hex2bin($key));
    $owners[] = $server['host'] . ':' . $server['port'];
  }
  echo json_encode($owners), "\n";
}
