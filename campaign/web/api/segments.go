package api

import (
	"context"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Segment is an expression under a name, to which campaigns refer.
type Segment struct {
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	Expression string    `json:"expression"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

func segmentOf(s campaign.SavedSegment) Segment {
	return Segment{int64(s.ID), s.Name, s.Expression, s.Created, s.Updated}
}

// SegmentDetail is a segment with those who refer to it.
type SegmentDetail struct {
	Segment
	Campaigns []string `json:"campaigns" nullable:"false" doc:"Names of the campaigns that refer to it as they stand."`
}

// SegmentPath names a segment.
type SegmentPath struct {
	Segment int64 `path:"segment" minimum:"1" doc:"The segment's id."`
}

// SegmentText is what a person says about a segment.
type SegmentText struct {
	Name       string `json:"name" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line"`
	Expression string `json:"expression" minLength:"1" maxLength:"4096" example:"country in [\"DE\", \"AT\"] and not received(\"Spring\")"`
}

func (a *API) addSegments() {
	add(a, Operation{Method: "GET", Path: "/segments", ID: "list-segments", Tag: "segments", Summary: "All saved segments, in order of name", Need: account.See}, a.showSegments)
	add(a, Operation{Method: "POST", Path: "/segments", ID: "create-segment", Tag: "segments", Summary: "Save an expression under a name", Means: "A name is taken once: asking again is a conflict.", Need: account.Write, Action: "create segment", Status: http.StatusCreated}, a.createSegment)
	add(a, Operation{Method: "POST", Path: "/segments/count", ID: "count-segment", Tag: "segments", Summary: "Whom lists and segments would reach", Means: "It changes nothing. Everybody is looked at: ten million take about a minute and a half.", Need: account.See}, a.countSegment)
	add(a, Operation{Method: "POST", Path: "/segments/glance", ID: "glance-at-segment", Tag: "segments", Summary: "About how many lists and segments would reach, in two seconds at most", Means: "It changes nothing. What could not be looked at in that time is estimated from samples over the whole range.", Need: account.See}, a.glanceSegment)
	add(a, Operation{Method: "GET", Path: "/segments/{segment}", ID: "show-segment", Tag: "segments", Summary: "A segment, and the campaigns that refer to it", Need: account.See}, a.showSegment)
	add(a, Operation{Method: "PUT", Path: "/segments/{segment}", ID: "edit-segment", Tag: "segments", Summary: "Change a segment", Means: "Campaigns that refer to it mean the new expression from now on; runs whose audience was begun to be taken keep the old one. A segment in use keeps its name.", Need: account.Write, Action: "edit segment"}, a.editSegment)
	add(a, Operation{Method: "DELETE", Path: "/segments/{segment}", ID: "delete-segment", Tag: "segments", Summary: "Delete a segment", Means: "It is a conflict while campaigns refer to it, unless anyway says that they may lose it: they do not start until they are edited.", Need: account.Write, Action: "delete segment", Status: http.StatusNoContent}, a.deleteSegment)
}

func (a *API) showSegments(ctx context.Context, _ *call, _ *struct{}) (*body[Page[Segment]], error) {
	list, err := a.Store.Segments(ctx)
	return answer(all(list, segmentOf), err)
}

func (a *API) createSegment(ctx context.Context, c *call, in *struct{ Body SegmentText }) (*body[Segment], error) {
	c.object = in.Body.Name
	saved, err := a.Service.CreateSegment(ctx, in.Body.Name, in.Body.Expression)
	return answer(segmentOf(saved), err)
}

func (a *API) segment(ctx context.Context, c *call, in SegmentPath) (campaign.SavedSegment, error) {
	saved, err := a.Store.SegmentByID(ctx, campaign.SegmentID(in.Segment))
	c.object = saved.Name
	return saved, err
}

func (a *API) showSegment(ctx context.Context, c *call, in *SegmentPath) (*body[SegmentDetail], error) {
	saved, err := a.segment(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	users, err := a.Store.SegmentUsers(ctx, saved.Name)
	return answer(SegmentDetail{segmentOf(saved), append([]string{}, users...)}, err)
}

func (a *API) editSegment(ctx context.Context, c *call, in *struct {
	SegmentPath
	Body SegmentText
}) (*body[Segment], error) {
	old, err := a.segment(ctx, c, in.SegmentPath)
	if err != nil {
		return nil, err
	}
	saved, err := a.Service.UpdateSegment(ctx, old, in.Body.Name, in.Body.Expression)
	return answer(segmentOf(saved), err)
}

func (a *API) deleteSegment(ctx context.Context, c *call, in *struct {
	SegmentPath
	Anyway bool `query:"anyway" doc:"Also while campaigns refer to it."`
}) (*struct{}, error) {
	saved, err := a.segment(ctx, c, in.SegmentPath)
	if err != nil {
		return nil, err
	}
	return nil, a.Service.DeleteSegment(ctx, saved, in.Anyway)
}

type counting struct {
	Body struct {
		Lists           []string `json:"lists" minItems:"1" maxItems:"100" nullable:"false" doc:"Names of lists."`
		Exclude         []string `json:"exclude,omitempty" maxItems:"100" nullable:"false"`
		Segment         string   `json:"segment,omitempty" maxLength:"4096" doc:"An expression."`
		Segments        []string `json:"segments,omitempty" maxItems:"100" nullable:"false" doc:"Names of saved ones, of which one must hold."`
		ExcludeSegments []string `json:"exclude_segments,omitempty" maxItems:"100" nullable:"false" doc:"None of these may hold."`
	}
}

func (c *counting) spec() campaign.Spec {
	b := c.Body
	return campaign.Spec{Lists: b.Lists, Exclude: b.Exclude, Segment: b.Segment, Segments: b.Segments, ExcludeSegments: b.ExcludeSegments}
}

func (a *API) countSegment(ctx context.Context, c *call, in *counting) (*body[Audience], error) {
	return a.counted(ctx, c, in.spec())
}

// Glance is whom an audience would reach, as far as it could be told in two seconds.
type Glance struct {
	Complete   bool      `json:"complete" doc:"Everybody was looked at."`
	Members    int64     `json:"members" doc:"Who were looked at."`
	Recipients int64     `json:"recipients" doc:"Of them: the least that it would reach."`
	About      int64     `json:"about" doc:"An estimate of all that it would reach; the same as recipients when it is complete."`
	Some       []Contact `json:"some" nullable:"false" doc:"The first of the recipients."`
}

// glanceTime is how long a glance counts.
const glanceTime = 2 * time.Second

func (a *API) glanceSegment(ctx context.Context, _ *call, in *counting) (*body[Glance], error) {
	spec := in.spec()
	if err := a.Service.FitAudience(ctx, spec); err != nil {
		return nil, err
	}
	g, err := a.Service.Glance(ctx, spec, glanceTime)
	return answer(Glance{g.Complete, g.Members, g.Recipients, g.About, all(g.Some, contactOf).Items}, err)
}
