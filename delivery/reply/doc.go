// Package reply reads what mail servers say: the reason of a refusal, and what it is
// about. It reads SMTP replies as they come and the bounces that quote them later. It
// is the one place that knows providers' wording, so that delivery and bounces never
// disagree about a person. It keeps no data.
//
// What to do about it is not here: whether a refusal is temporary the reply code says
// alone, and how a provider's limits are lowered is delivery/shaping's.
package reply
