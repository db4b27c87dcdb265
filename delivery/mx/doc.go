// Package mx finds the way to a domain: its site, the hosts that take its mail in
// the order to try them, and the name of the mailbox provider behind them (RFC 5321
// §5.1, RFC 7505).
//
// A Router keeps DNS answers for as long as they hold, negative ones too, and the
// addresses that refused a connection lately. All of it is in memory, bounded, and
// can be lost at any time; only the Router changes it. Which host is which provider's
// it is told by whoever makes it.
package mx
