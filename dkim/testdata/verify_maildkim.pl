# Like verify_dkimpy.py, as Mail::DKIM sees it.
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Net::DNS;

my ( $records, $dir ) = @ARGV;
my %zone;
open my $in, '<', $records or die "$records: $!";
while (<$in>) {
    chomp;
    my ( $name, $txt ) = split / /, $_, 2;
    $zone{$name} = $txt;
}

no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
    my ( $name, $type ) = @_;
    my $txt = $zone{$name} // return;
    return Net::DNS::RR->new( name => $name, type => 'TXT', txtdata => [ $txt =~ /(.{1,255})/g ] );
};

opendir my $files, $dir or die "$dir: $!";
for my $file ( sort grep { !/^\./ } readdir $files ) {
    open my $message, '<:raw', "$dir/$file" or die "$file: $!";
    local $/;
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT(<$message>);
    $verifier->CLOSE;
    for my $signature ( $verifier->signatures ) {
        my $result = $signature->result;
        print "$file ", $signature->selector, ' ', $result eq 'pass' ? 'pass' : 'fail: ' . $signature->result_detail, "\n";
    }
}
