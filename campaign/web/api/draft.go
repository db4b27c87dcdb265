package api

import (
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

// Draft is what a person says about a campaign; all but its name may be missing until
// it is started.
type Draft struct {
	Name          string   `json:"name" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line"`
	From          string   `json:"from,omitempty" maxLength:"400" example:"News <news@example.org>"`
	ReplyTo       string   `json:"reply_to,omitempty" maxLength:"400" doc:"One mailbox."`
	Subject       string   `json:"subject,omitempty" maxLength:"1000" doc:"A Liquid template, as preheader, html, markdown and text."`
	Preheader     string   `json:"preheader,omitempty" maxLength:"1000" doc:"What mailboxes show after the subject."`
	HTML          string   `json:"html,omitempty" maxLength:"2000000" doc:"At most one of html and markdown."`
	Markdown      string   `json:"markdown,omitempty" maxLength:"2000000"`
	Text          string   `json:"text,omitempty" maxLength:"2000000" doc:"Made from the HTML when it is missing."`
	PostalAddress string   `json:"postal_address,omitempty" maxLength:"1000"`
	Attachments   []File   `json:"attachments,omitempty" maxItems:"50" nullable:"false"`
	Inline        []File   `json:"inline,omitempty" maxItems:"50" nullable:"false" doc:"Images that the HTML calls cid:NAME."`
	Lists         []string `json:"lists,omitempty" maxItems:"100" nullable:"false" doc:"Names of the lists that it goes to."`
	Exclude       []string `json:"exclude,omitempty" maxItems:"100" nullable:"false" doc:"Names of lists whose members do not get it."`
	Segment       string   `json:"segment,omitempty" maxLength:"4096" example:"country in [\"DE\", \"AT\"] and age >= 18"`
	Track         Track    `json:"track,omitzero"`
	Window        Window   `json:"window,omitzero"`
	Repeat        Repeat   `json:"repeat,omitzero"`
	AB            *AB      `json:"ab,omitempty" doc:"Its A/B test; none when it is missing."`
	Spread        string   `json:"spread,omitempty" maxLength:"20" example:"4h" doc:"Over how long a run's mail is spread evenly, from 10m to 168h; as fast as it goes when it is missing."`
	LocalTime     Clock    `json:"local_time,omitzero"`
	Canary        string   `json:"canary,omitempty" maxLength:"20" example:"2%" doc:"The share of the audience that goes first, from 0.01% to 50%, or off. The rest leaves when the brake has found no harm. Missing: 1% from 50,000 subscribers on, but 1,000 to 10,000 people."`
	CanaryWait    string   `json:"canary_wait,omitempty" maxLength:"20" example:"10m" doc:"How long the rest waits after the canary was tried, from 1m to 24h; 10m when it is missing."`
	Weight        int      `json:"weight,omitempty" minimum:"1" maximum:"100" default:"10" doc:"Its share of what is sent while several campaigns run."`
	Priority      string   `json:"priority,omitempty" enum:"bulk,express" default:"bulk" doc:"An express campaign overtakes all others."`
	Pool          string   `json:"pool,omitempty" maxLength:"100" doc:"The sources that the mail leaves from."`
	OnUnknown     string   `json:"on_unknown,omitempty" enum:"resend,hold" default:"resend" doc:"What to do when the connection was lost after the message and before its reply."`
	GiveUp        string   `json:"give_up,omitempty" maxLength:"20" default:"72h" example:"72h" doc:"How long deferred recipients are tried again."`

	Segments        []string `json:"segments,omitempty" maxItems:"100" nullable:"false" doc:"Names of saved segments: it goes to whoever is in any of them. A run takes them over as they are when its audience begins to be taken."`
	ExcludeSegments []string `json:"exclude_segments,omitempty" maxItems:"100" nullable:"false" doc:"Names of saved segments whose people do not get it."`

	Brake *BrakeLimits `json:"brake,omitempty" doc:"When a run stops by itself; as it is stored when it is missing."`
}

// BrakeLimits are the shares at which a run stops by itself, each of what one site has
// settled of it.
type BrakeLimits struct {
	Off        bool    `json:"off,omitempty" doc:"Go on whatever happens."`
	Bounces    float64 `json:"bounces,omitempty" minimum:"0" maximum:"100" example:"10" doc:"Percent that do not exist or take no mail; 10 when it is missing."`
	Complaints float64 `json:"complaints,omitempty" minimum:"0" maximum:"100" example:"0.3" doc:"Percent that called it spam; 0.3 when it is missing."`
	Rejections float64 `json:"rejections,omitempty" minimum:"0" maximum:"100" example:"10" doc:"Percent that were refused for what the message says or who sent it; 10 when it is missing."`
}

// Track says what is measured about readers.
type Track struct {
	Opens  string `json:"opens,omitempty" enum:"off,anonymous,individual"`
	Clicks string `json:"clicks,omitempty" enum:"off,anonymous,individual"`
}

// Repeat is when a campaign is sent again and again once it is told to; never when it is
// empty.
type Repeat struct {
	Cron string `json:"cron,omitempty" maxLength:"100" example:"0 9 * * mon" doc:"Minute, hour, day of the month, month and day of the week; the minute is one number."`
	Zone string `json:"zone,omitempty" maxLength:"64" example:"Europe/Berlin"`
}

// Clock has each recipient get it when the clock of their own zone shows the time that a
// run is for; all get it at the same moment when it is empty.
type Clock struct {
	Zone  string `json:"zone,omitempty" maxLength:"64" example:"Europe/Berlin" doc:"By whose clock the time is told, and the zone of whoever has none."`
	Field string `json:"field,omitempty" maxLength:"100" example:"timezone" doc:"The attribute that has a contact's zone; timezone, or tz, when it is missing."`
}

// Window is when a run may send, by the wall clock of a time zone; always when it is empty.
// Outside, the run waits.
type Window struct {
	Days string `json:"days,omitempty" maxLength:"60" example:"mon-fri" doc:"Days and ranges of them on which it opens; every day when it is missing."`
	From string `json:"from,omitempty" maxLength:"5" example:"08:00" doc:"The day's beginning when it is missing."`
	To   string `json:"to,omitempty" maxLength:"5" example:"20:00" doc:"The day's end when it is missing; on the next day when it is before from."`
	Zone string `json:"zone,omitempty" maxLength:"64" example:"Europe/Berlin"`
}

// File is an attachment or an inline image.
type File struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
	Type string `json:"type,omitempty" maxLength:"100" doc:"Media type; guessed from the name when it is missing."`
	Data []byte `json:"data" doc:"In base64."`
}

// draftBytes bounds a draft: 25 MB of files in base64, and its text.
const draftBytes = 42 << 20

func draftOf(s campaign.Spec) Draft {
	return Draft{
		Name: s.Name, From: s.From, ReplyTo: s.ReplyTo, Subject: s.Subject, Preheader: s.Preheader,
		HTML: s.HTML, Markdown: s.Markdown, Text: s.Text, PostalAddress: s.PostalAddress,
		Attachments: filesOf(s.Attachments), Inline: filesOf(s.Inline),
		Lists: s.Lists, Exclude: s.Exclude, Segment: s.Segment, Track: Track(s.Track), Window: Window(s.Window), Repeat: Repeat(s.Repeat),
		Segments: s.Segments, ExcludeSegments: s.ExcludeSegments,
		Weight: s.Weight, Priority: string(s.Priority), Pool: s.Pool, OnUnknown: string(s.OnUnknown),
		AB: abOf(s.AB), GiveUp: time.Duration(s.GiveUp).String(), Spread: spreadText(s.Spread),
		LocalTime: Clock(s.LocalTime), Canary: s.Brake.Canary, CanaryWait: spreadText(s.Brake.CanaryWait),
		Brake: &BrakeLimits{s.Brake.Off, s.Brake.Bounces, s.Brake.Complaints, s.Brake.Rejections},
	}
}

func spreadText(d campaign.Duration) string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// spec puts a draft over what is stored; what a draft does not speak of stays.
func (d Draft) spec(s campaign.Spec) (campaign.Spec, error) {
	s.Name, s.Lists, s.Exclude, s.Segment = d.Name, d.Lists, d.Exclude, d.Segment
	s.Segments, s.ExcludeSegments = d.Segments, d.ExcludeSegments
	s.Track, s.Weight, s.Priority = campaign.Track(d.Track), d.Weight, campaign.Priority(d.Priority)
	s.Pool, s.OnUnknown = d.Pool, campaign.OnUnknown(d.OnUnknown)
	s.Source = message.Source{
		From: d.From, ReplyTo: d.ReplyTo, Subject: d.Subject, Preheader: d.Preheader,
		HTML: d.HTML, Markdown: d.Markdown, Text: d.Text, PostalAddress: d.PostalAddress,
		Attachments: messageFiles(d.Attachments), Inline: messageFiles(d.Inline),
	}
	s.Window = schedule.Window(d.Window)
	if _, err := s.Window.Parse(); err != nil {
		return s, invalid("body.window", err.Error())
	}
	s.Repeat = schedule.Repeat(d.Repeat)
	if s.Repeat != (schedule.Repeat{}) {
		if _, err := s.Repeat.Parse(); err != nil {
			return s, invalid("body.repeat", err.Error())
		}
	}
	var err error
	if s.AB, err = d.AB.test(); err != nil {
		return s, err
	}
	s.LocalTime = campaign.LocalTime(d.LocalTime)
	if b := d.Brake; b != nil {
		s.Brake.Off, s.Brake.Bounces, s.Brake.Complaints, s.Brake.Rejections = b.Off, b.Bounces, b.Complaints, b.Rejections
	}
	s.Brake.Canary, s.Brake.CanaryWait = d.Canary, 0
	if d.CanaryWait != "" {
		if err := s.Brake.CanaryWait.UnmarshalText([]byte(d.CanaryWait)); err != nil {
			return s, invalid("body.canary_wait", "is written like 10m or 2h")
		}
	}
	if err := s.Brake.Validate(); err != nil {
		return s, invalid("body.canary", err.Error())
	}
	s.Spread = 0
	if d.Spread != "" {
		if err := s.Spread.UnmarshalText([]byte(d.Spread)); err != nil {
			return s, invalid("body.spread", "is written like 4h or 90m")
		}
	}
	if err := s.GiveUp.UnmarshalText([]byte(d.GiveUp)); err != nil {
		return s, invalid("body.give_up", "is written like 72h or 90m")
	}
	return s, nil
}

func filesOf(files []message.File) []File {
	var out []File
	for _, f := range files {
		out = append(out, File{f.Name, f.Type, f.Data})
	}
	return out
}

func messageFiles(files []File) []message.File {
	var out []message.File
	for _, f := range files {
		out = append(out, message.File{Name: f.Name, Type: f.Type, Data: f.Data})
	}
	return out
}
