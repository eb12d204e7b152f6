# Reads setups of Perl clients as php_memcached.php does, and answers in the same way.
# Cache::Memcached is asked for the server of each key; Cache::Memcached::Fast gets the keys from
# the servers, and the answers are what they said.
use strict;
use warnings;
use Cache::Memcached;
use Cache::Memcached::Fast;
use JSON::PP;

{
    no warnings 'redefine';
    *Cache::Memcached::sock_to_host = sub { return ref $_[-1] ? $_[-1][0] : $_[-1] };
}

sub cache_memcached {
    my ($setup, %options) = @_;
    my @servers = map { ["$_->[0]:$_->[1]", $_->[2]] } @{ $setup->{servers} };
    my $client = Cache::Memcached->new({ servers => \@servers, %options });
    return [map { scalar $client->get_sock(pack('H*', $_)) } @{ $setup->{keys} }];
}

sub cache_memcached_fast {
    my ($setup, %options) = @_;
    my @servers = map { { address => "$_->[0]:$_->[1]", weight => $_->[2] } }
        @{ $setup->{servers} };
    my $client = Cache::Memcached::Fast->new({ servers => \@servers, %options });
    my @keys = map { pack('H*', $_) } @{ $setup->{keys} };
    my %values;
    for (my $at = 0; $at < @keys; $at += 1000) {
        my $last = $at + 999 < $#keys ? $at + 999 : $#keys;
        my $got = $client->get_multi(@keys[$at .. $last]);
        @values{ keys %$got } = values %$got;
    }
    return [map { $values{$_} } @keys];
}

while (my $line = <STDIN>) {
    # JSON::PP goes character by character, so the many keys are kept from it.
    my ($keys) = $line =~ /"keys":\[([^\]]*)\]/;
    $line =~ s/"keys":\[[^\]]*\]/"keys":[]/;
    my $setup = decode_json($line);
    $setup->{keys} = [$keys =~ /"([0-9a-f]*)"/g];
    my %options = map { $_->[0] => $_->[1] } @{ $setup->{options} };
    my $owners = $setup->{client} eq 'cache-memcached'
        ? cache_memcached($setup, %options)
        : cache_memcached_fast($setup, %options);
    print '["', join('","', map { $_ // 'nothing' } @$owners), qq("]\n);
}
