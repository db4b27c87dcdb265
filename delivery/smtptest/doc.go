// Package smtptest is a simulated internet of mailbox providers: their SMTP
// servers, their DNS, and a ledger of everything that reached them. The tests, the
// demo, the benchmarks and the standalone sink use this one implementation.
//
// It keeps, in memory only, what a run of millions leaves behind: counters per
// provider, one 16-byte entry per accepted copy (a hash of recipient and
// Message-ID, the connection, the time), the first contacts of greylisted senders,
// and at most Config.Keep whole messages. The connections write it; a caller reads
// it through Ledger and changes a provider's behaviour through Internet.Set.
//
// The server is also a witness: whatever a client does against the protocol is
// counted in Ledger.Violations.
//
// Inside a testing/synctest bubble set Config.Memory: no socket is opened and
// every delay runs on the bubble's clock.
package smtptest
