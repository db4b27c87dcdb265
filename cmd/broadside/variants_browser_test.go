package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"broadside/campaign"
)

// Variants are written, seen, emptied, removed and found again on the compose page, and
// what becomes of them is followed on the page of the run.
func TestVariantsInABrowser(t *testing.T) {
	b, c := openCampaign(t)
	composeVariants(b, c)
	followVariants(b, c)
}

// slotOf is the slot that has a field.
func slotOf(field string) string { return fmt.Sprintf(".slot:has(%s)", field) }

// composeVariants works on the campaign that the cluster has.
func composeVariants(b *tab, c *cluster) {
	b.t.Helper()
	stored := func(want ...campaign.Alternative) {
		b.t.Helper()
		eventually(b.t, fmt.Sprintf("not stored: %+v", want), patience, func() bool {
			got, err := c.db.CampaignByName(b.t.Context(), "news")
			return err == nil && slices.Equal(got.Spec.AB.Variants, want)
		})
		b.until("saved", `document.getElementById("save-state").textContent === "Saved"`)
	}
	named := func(slot int, letter string) {
		b.t.Helper()
		b.until("its letter", fmt.Sprintf(`document.getElementById("ab_%d").textContent === "Variant %s"`, slot, letter))
	}
	seen := func(letter, subject string) {
		b.t.Helper()
		b.until("the preview of "+letter, fmt.Sprintf(`document.getElementById("variant").value === %q && document.querySelector("[data-subject]").textContent === %q`, letter, subject))
	}
	see := func(letter string) {
		b.t.Helper()
		if _, err := eval[bool](b, fmt.Sprintf(`(() => { const s = document.getElementById("variant"); s.value = %q; return s.dispatchEvent(new Event("change")); })()`, letter)); err != nil {
			b.t.Fatal(err)
		}
	}
	const emptied = "\b" // what is selected, by the backspace key
	slip := campaign.Alternative{Subject: "Sun at last", Markdown: "# Sun\n\nDear {{ nam | default: \"reader\" }}, look.", Text: "Sun, in words"}
	const beside = `(document.getElementById("ab_content_1-wrong")?.textContent ?? "")`

	b.open("/campaigns/1")
	stored()
	b.click("#abtest > summary")
	b.click("#ab_0")
	b.write("#ab_subject_0", "Look outside")
	stored(campaign.Alternative{Subject: "Look outside"})
	seen("B", "Look outside")
	b.click("#ab_1")
	b.write("#ab_subject_1", slip.Subject)
	b.click(slotOf("#ab_content_1") + " > div > details > summary")
	b.write("#ab_content_1", slip.Markdown)
	b.click(slotOf("#ab_content_1") + " [data-plain] > summary")
	b.write("#ab_text_1", slip.Text)
	stored(campaign.Alternative{Subject: "Look outside"}, slip)
	b.until("the slip is told beside the text", beside+`.includes('no contact has a field "nam"')`)
	see("A")
	seen("A", "News")
	see("B")
	seen("B", "Look outside")
	see("C")
	seen("C", slip.Subject)

	// Emptied, and filled again: the other slot keeps its own, under another letter.
	b.write("#ab_subject_0", emptied)
	stored(slip)
	named(1, "B")
	b.until("the slip is told at the same text", beside+`.includes('no contact has a field "nam"')`)
	see("B")
	seen("B", slip.Subject)
	b.write("#ab_subject_0", "Out we go")
	stored(campaign.Alternative{Subject: "Out we go"}, slip)
	named(1, "C")
	seen("B", "Out we go")
	see("C")
	seen("C", slip.Subject)
	b.click(slotOf("#ab_subject_0") + " [data-remove]")
	stored(slip)
	named(1, "B")
	named(0, "D")
	seen("B", slip.Subject)

	mended := slip
	mended.Markdown = "# Sun\n\nDear {{ name | default: \"reader\" }}, look."
	b.write("#ab_content_1", mended.Markdown)
	b.write("#ab_share", "30")
	stored(mended)
	b.until("the slip is mended", beside+` === ""`)
	b.do(chromedp.Reload())
	for field, want := range map[string]string{"#ab_share": "30", "#ab_subject_0": mended.Subject, "#ab_content_0": mended.Markdown, "#ab_text_0": mended.Text, "#ab_subject_1": ""} {
		b.until(field+" as typed", fmt.Sprintf(`document.querySelector(%q)?.value === %q`, field, want))
	}
	stored(mended)
	seen("A", "News")
	b.fits("/campaigns/1")
}

// followVariants looks at a run of the campaign in which nothing happens by itself.
func followVariants(b *tab, c *cluster) {
	b.t.Helper()
	ctx := b.t.Context()
	ok := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
	}
	news, err := c.db.CampaignByName(ctx, "news")
	ok(err)
	run, err := c.db.CreateRun(ctx, news, campaign.RunRunning, time.Now(), time.Now())
	ok(err)
	_, err = c.db.FreezeWaves(ctx, run.ID, campaign.Waves{Kind: campaign.ABWaves, Share: 300_000})
	ok(err)
	ok(c.db.AppendRecipients(ctx, run.ID, 0, 3, []campaign.NewRecipient{
		{Lane: 1, Contact: 1, Wave: 1, Tested: true, Variant: campaign.VariantA},
		{Lane: 1, Contact: 2, Wave: 1, Tested: true, Variant: campaign.VariantA + 1},
		{Lane: 1, Contact: 3, Wave: 2, Tested: true},
	}, true))
	b.open(fmt.Sprintf("/runs/%d", run.ID))
	b.shows("Its time begins when everybody in the test was tried.")
	b.until("nobody has complained", `document.querySelector('[data-variant="B"] [data-v="complained"]').textContent === "0"`)
	ok(c.db.Heard(ctx, []campaign.Feedback{{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: 2}, Kind: campaign.Complaint, At: time.Now()}}))
	b.until("somebody has", `document.querySelector('[data-variant="B"] [data-v="complained"]').textContent === "1"`)
	ok(c.db.SetWavesDue(ctx, run.ID, time.Now().Add(time.Hour)))
	b.shows("It is decided ")
}
