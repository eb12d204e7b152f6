<?php
// Reads {"snippet": PHP, "keys": [HEX, ...]} lines. Runs the snippet, which makes a $client (or
// sets up sessions), and answers with what it gets for each key from the servers.
error_reporting(0);
ini_set('memory_limit', '1G');
while (($line = fgets(STDIN)) !== false) {
  $question = json_decode($line, true);
  $client = null;
  eval($question['snippet']);
  $values = [];
  foreach ($question['keys'] as $key) $values[] = $client->get(hex2bin($key));
  echo json_encode($values), "\n";
}
