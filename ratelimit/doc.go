// Package ratelimit paces what is sent to a site: how many messages a second, and
// how that rate follows what the site's replies say. It keeps the rates of the sites
// in memory; the limits that all senders of a cluster share will stand behind the
// same interface, delivery.Limiter.
package ratelimit
