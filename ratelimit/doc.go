// Package ratelimit keeps the limits of mailbox sites: messages per second and
// connections at a time, which hold for all senders together, and how they follow what
// the sites' replies say.
//
// Local keeps the limits of a single process in memory.
package ratelimit
