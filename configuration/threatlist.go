package configuration

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"nightjar/configuration/outbound"
	"nightjar/objects"
	"nightjar/schema"
)

// ThreatList is a list of addresses, domains, hashes or URLs that a feed warns of,
// and how it is kept up to date.
type ThreatList struct {
	Name string `json:"name"` // letters, digits, - and _
	// One of URL and File says where the list is; File is in the folder `intel` of the
	// data folder.
	URL  string `json:"url,omitempty"`
	File string `json:"file,omitempty"`
	// Format is auto, list, csv, misp, stix or taxii.
	Format string `json:"format"`
	// Type, of values that don't show it: IP, DOMAIN, URL or HASH.
	Type string `json:"type,omitempty"`
	// Category and Intention are said of indicators of which the list says nothing.
	Category  string `json:"category,omitempty"`
	Intention string `json:"intention,omitempty"`
	// Refresh is how often it is read, such as 1h; a minute at least.
	Refresh string `json:"refresh"`
	// Headers go with each request; a value may be secret:NAME.
	Headers map[string]string `json:"headers,omitempty"`
	Enabled bool              `json:"enabled"`
}

// Interval is Refresh as it was checked.
func (l *ThreatList) Interval() time.Duration {
	d, err := schema.ParseDuration(l.Refresh)
	if err != nil {
		return time.Hour
	}
	return d
}

// Address is where the list is fetched; empty: it is a file.
func (l *ThreatList) Address() string { return l.URL }

// Named are the secrets of the operator's that the list names.
func (l *ThreatList) Named() outbound.Named {
	out := outbound.Named{}
	out.AddHeaders(l.Headers)
	return out
}

// Table is the name of the reference table that has the list's indicators.
func (l *ThreatList) Table() string { return "threat_" + l.Name }

var listName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// ThreatLists are a kind.
var ThreatLists = objects.Kind[ThreatList]{
	Name: "threat list", NewID: schema.NewID,
	Label: func(l *ThreatList) string { return l.Name },
	Check: func(l *ThreatList) error {
		var bad faults
		if !listName.MatchString(l.Name) {
			bad.Add("name", fmt.Sprintf("want letters, digits, - and _, at most 64, got %q", l.Name))
		}
		if l.Format == "" {
			l.Format = "auto"
		}
		bad.oneOf("format", l.Format, "auto", "list", "csv", "misp", "stix", "taxii")
		l.Type = strings.ToUpper(l.Type)
		bad.oneOf("type", l.Type, "", "IP", "DOMAIN", "URL", "HASH")
		bad.oneOf("intention", l.Intention, "", "malicious", "suspicious", "benign", "unknown")
		if l.Refresh == "" {
			l.Refresh = "1h"
		}
		if d, err := schema.ParseDuration(l.Refresh); err != nil {
			bad.Add("refresh", err.Error())
		} else if d < time.Minute {
			bad.Add("refresh", "a minute is the least")
		}
		l.place(&bad)
		for name, value := range l.Headers {
			if err := outbound.CheckHeader(name, value); err != nil {
				bad.Add("headers."+name, err.Error())
			}
		}
		return bad.Err()
	},
}

// place checks where the list is.
func (l *ThreatList) place(bad *faults) {
	switch {
	case (l.URL == "") == (l.File == ""):
		bad.Add("url", "want a url or a file, one of them")
	case l.File != "":
		if strings.ContainsAny(l.File, `/\`) || strings.HasPrefix(l.File, ".") {
			bad.Add("file", "want the name of a file in the folder `intel` of the data folder, without a path")
		}
		if l.Format == "taxii" {
			bad.Add("format", "a TAXII collection has a url")
		}
	default:
		u, err := url.Parse(l.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			bad.Add("url", "want http:// or https:// with a host")
		} else if u.User != nil {
			bad.Add("url", "want no user and no password in it: give them as a header, as `Authorization: secret:NAME`")
		}
	}
}
