<?php
// Reads {"snippet": PHP, "sessions": N}. Runs the snippet, which says where sessions are kept, makes
// N of them, in each of which is its own id, and answers with the ids of those that are read again.
error_reporting(0);
$question = json_decode(fgets(STDIN), true);
eval($question['snippet']);
$options = ['use_cookies' => 0, 'cache_limiter' => '', 'gc_probability' => 0,
            'use_strict_mode' => 0];
$ids = [];
for ($i = 0; $i < $question['sessions']; ++$i) {
  $id = substr(md5("$i"), 0, 26);
  session_id($id);
  session_start($options);
  $_SESSION = ['id' => $id];
  session_write_close();
  session_id($id);
  session_start($options);
  if ($_SESSION['id'] === $id) $ids[] = $id;
  session_write_close();
}
echo json_encode($ids), "\n";
