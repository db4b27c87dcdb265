// Package peers runs other programs that send mail, so that the engine can be compared
// with them in the same run: Nodemailer and Haraka from npm, Postfix with OpenDKIM from
// Debian. Each is configured as its own documentation advises for sending much, signs
// with DKIM, and sends everything to one address.
//
// All their files are in a directory that the caller gives and removes, but for what is
// installed, which stays in a cache of the caller's. They listen on loopback, and end
// with Stop, or with the process that started them.
package peers
