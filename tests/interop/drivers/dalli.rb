# Reads setups of Ruby's dalli as php_memcached.php does, and answers in the same way.
require 'json'
require 'dalli'

STDIN.each_line do |line|
  setup = JSON.parse(line)
  servers = setup['servers'].map do |host, port, weight|
    host.start_with?('/') ? "#{host}:#{weight}" : "#{host}:#{port}:#{weight}"
  end
  options = setup['options'].to_h { |name, value| [name.to_sym, value] }
  client = Dalli::Client.new(servers, options)
  ring = client.send(:ring)
  prefix = options[:namespace] ? "#{options[:namespace]}:" : ''
  owners = setup['keys'].map do |hex|
    key = prefix + [hex].pack('H*')
    server = ring.servers.first
    server = ring.send(:server_for_hash_key, ring.send(:hash_for, key)) if ring.continuum
    server.name
  end
  puts JSON.generate(owners)
  STDOUT.flush
end
