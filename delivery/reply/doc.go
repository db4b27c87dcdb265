// Package reply reads the reason out of what mail servers say, in SMTP replies as
// they come and in the bounces that quote them later. It is the one place that knows
// providers' wording, so that delivery and bounces never disagree about a person. It
// keeps no data.
package reply
