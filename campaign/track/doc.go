// Package track answers what counted messages ask for: the pixel, and links that lead
// where the campaign's own table of links says. It decides what the request itself tells
// about who made it, a person or a machine, and has the hit made durable before it
// answers.
//
// The package keeps in memory the link tables of runs, which never change, and the hits
// that are on their way to the queue. Who recorded what is the store's to know; no
// address and no user agent leaves this package.
package track
