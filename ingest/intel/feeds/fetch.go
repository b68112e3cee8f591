package feeds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nightjar/configuration"
	"nightjar/configuration/outbound"
	"nightjar/ingest/intel"
)

// Bounds of what is read of a list.
const (
	maxListBytes = 256 << 20
	maxPages     = 10_000
	fetchTime    = 10 * time.Minute
)

// errUnchanged says that a list is as it was.
var errUnchanged = errors.New("it is as it was")

// fetch reads a list from where it is.
func (f *Feeds) fetch(ctx context.Context, l *configuration.ThreatList, etag string) (found []intel.Indicator, r intel.Report, newTag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	d := intel.Defaults{Type: intel.Type(l.Type), Category: l.Category, Intention: l.Intention, Source: l.Name, SourceURL: shownURL(l.URL), Now: f.deps.Now()}
	if l.File != "" {
		return f.fromFile(l, d, etag)
	}
	if l.Format == "taxii" {
		found, r, err = f.collection(ctx, l, d)
		return found, r, "", err
	}
	text, newTag, err := f.get(ctx, l, l.URL, etag, "")
	if err != nil {
		return nil, r, "", err
	}
	if ids, ok := intel.ManifestEvents(text); ok && (l.Format == "misp" || l.Format == "auto") {
		found, r, err = f.mispFeed(ctx, l, d, ids)
		return found, r, "", err
	}
	found, r, err = intel.Read(l.Format, text, d)
	return some(found), r, newTag, err
}

// shownURL is what events say of where a list is: without what may be a key.
func shownURL(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// some is a list that may be empty, and is not nil.
func some(found []intel.Indicator) []intel.Indicator {
	if found == nil {
		return []intel.Indicator{}
	}
	return found
}

func (f *Feeds) fromFile(l *configuration.ThreatList, d intel.Defaults, etag string) ([]intel.Indicator, intel.Report, string, error) {
	root, err := os.OpenRoot(f.deps.Dir)
	if err != nil {
		return nil, intel.Report{}, "", fmt.Errorf("the folder of lists: %w", err)
	}
	defer root.Close()
	file, err := root.Open(l.File)
	if err != nil {
		return nil, intel.Report{}, "", fmt.Errorf("%s: %w", filepath.Join(f.deps.Dir, l.File), err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, intel.Report{}, "", err
	}
	tag := fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size())
	if tag == etag {
		return nil, intel.Report{}, "", errUnchanged
	}
	text, err := outbound.Read(file, maxListBytes)
	if err != nil {
		return nil, intel.Report{}, "", err
	}
	found, r, err := intel.Read(l.Format, text, d)
	return some(found), r, tag, err
}

// get reads what stands at a URL.
func (f *Feeds) get(ctx context.Context, l *configuration.ThreatList, at, etag, accept string) (text []byte, newTag string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, "", err
	}
	ctx, err = f.deps.Secrets.Carry(ctx, l.Named(), r.URL)
	if err != nil {
		return nil, "", err
	}
	r = r.WithContext(ctx)
	if err := f.deps.Secrets.SetHeaders(r, l.Headers); err != nil {
		return nil, "", err
	}
	r.Header.Set("User-Agent", "nightjar")
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	resp, err := f.deps.Client.HTTP().Do(r)
	if err != nil {
		return nil, "", withoutQuery(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && etag != "":
		return nil, "", errUnchanged
	case resp.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("the server answered %s", resp.Status)
	}
	text, err = outbound.Read(resp.Body, maxListBytes)
	return text, resp.Header.Get("ETag"), err
}

// withoutQuery leaves the query of a URL out of an error: keys may be in it.
func withoutQuery(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if at, parseErr := url.Parse(u.URL); parseErr == nil {
			at.RawQuery = ""
			return fmt.Errorf("%s %s: %w", u.Op, at, u.Err)
		}
	}
	return err
}

// mispFeed reads the events of a feed of MISP, which stand beside its manifest.
func (f *Feeds) mispFeed(ctx context.Context, l *configuration.ThreatList, d intel.Defaults, ids []string) ([]intel.Indicator, intel.Report, error) {
	base, err := url.Parse(l.URL)
	if err != nil {
		return nil, intel.Report{}, err
	}
	var all collected
	slices.Sort(ids)
	for _, id := range ids {
		at := *base
		at.Path, at.RawPath = path.Join(path.Dir(base.Path), id+".json"), ""
		text, _, err := f.get(ctx, l, at.String(), "", "")
		if err == nil {
			err = all.add("misp", text, d)
		}
		if err != nil {
			return nil, all.report, fmt.Errorf("event %s of the feed: %w", id, err)
		}
	}
	return some(all.found), all.report, nil
}

// taxiiType is what TAXII 2.1 speaks.
const taxiiType = "application/taxii+json;version=2.1"

// collection reads the indicators of a TAXII 2.1 collection, page by page.
func (f *Feeds) collection(ctx context.Context, l *configuration.ThreatList, d intel.Defaults) ([]intel.Indicator, intel.Report, error) {
	base, err := url.Parse(l.URL)
	if err != nil {
		return nil, intel.Report{}, err
	}
	if !strings.HasSuffix(strings.TrimSuffix(base.Path, "/"), "/objects") {
		base.Path = strings.TrimSuffix(base.Path, "/") + "/objects"
	}
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	var all collected
	next := ""
	for range maxPages {
		at := *base
		q := at.Query()
		q.Set("match[type]", "indicator")
		if next != "" {
			q.Set("next", next)
		}
		at.RawQuery = q.Encode()
		text, _, err := f.get(ctx, l, at.String(), "", taxiiType)
		if err != nil {
			return nil, all.report, err
		}
		if err := all.add("taxii", text, d); err != nil {
			return nil, all.report, err
		}
		page, err := intel.PageOf(text)
		if err != nil || !page.More {
			return some(all.found), all.report, err
		}
		if page.Next == "" || page.Next == next {
			return nil, all.report, errors.New("the collection says that there is more, and not where")
		}
		next = page.Next
	}
	return nil, all.report, fmt.Errorf("the collection has more than %d pages", maxPages)
}

// collected is a list that comes in pieces.
type collected struct {
	found  []intel.Indicator
	report intel.Report
}

func (c *collected) add(format string, text []byte, d intel.Defaults) error {
	found, r, err := intel.Read(format, text, d)
	if err != nil {
		return err
	}
	c.found = append(c.found, found...)
	if len(c.found) > intel.MaxIndicators {
		return intel.ErrTooMany
	}
	for why, n := range r.Skipped {
		for range n {
			c.report.Skip(why)
		}
	}
	c.report.Problems = append(c.report.Problems, r.Problems...)
	c.report.Indicators = len(c.found)
	return nil
}
