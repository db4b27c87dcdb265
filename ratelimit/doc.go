// Package ratelimit keeps the limits of mailbox sites: messages per second and
// connections at a time, which hold for all senders together, and how they follow what
// the sites' replies say.
//
// Local keeps the limits of a single process in memory. Shared keeps those of a cluster
// in the NATS bucket broadside_rates: a small table for each key, which processes change
// by compare-and-swap, each only its own part of it.
package ratelimit
