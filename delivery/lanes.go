package delivery

import (
	"hash/fnv"

	"broadside/campaign"
	"broadside/delivery/mx"
)

var providerLanes = map[string]campaign.Lane{
	"google": campaign.LaneGoogle, "microsoft": campaign.LaneMicrosoft, "yahoo": campaign.LaneYahoo,
	"apple": campaign.LaneApple, "comcast": campaign.LaneComcast, "gmx": campaign.LaneGMX,
	"orange": campaign.LaneOrange, "mailru": campaign.LaneMailRu,
}

// LaneOf returns the lane of a domain, without asking DNS: the well-known mailbox
// domains have their site's lane, all others share tail lanes by their hash.
func LaneOf(domain string, tailLanes int) campaign.Lane {
	if name, ok := mx.ProviderOfDomain(domain); ok {
		if lane, ok := providerLanes[name]; ok {
			return lane
		}
	}
	h := fnv.New32a()
	h.Write([]byte(domain))
	return campaign.TailLane + campaign.Lane(h.Sum32()%uint32(tailLanes))
}
