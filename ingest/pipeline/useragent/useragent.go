package useragent

import (
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru"
	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// Agent is what a User-Agent says. What it does not say is empty; a family is
// "Other" then.
type Agent struct {
	Browser Browser
	OS      System
	Device  Device
}

// Browser is the program, a browser or another.
type Browser struct{ Family, Major, Minor, Patch, PatchMinor string }

// System is the operating system.
type System struct{ Family, Major, Minor, Patch string }

// Device is the machine. Category is Desktop, Mobile, Tablet, Bot or Other.
type Device struct{ Family, Category, Brand, Model string }

const (
	remembered = 4096 // texts
	longest    = 1024 // bytes of one that are read; no program's is as long
)

var seen = sync.OnceValue(func() *lru.Cache {
	c, err := lru.New(remembered)
	if err != nil {
		panic(err) // a size above 0
	}
	return c
})

// Parse reads a User-Agent. Of one that is longer than 1,024 bytes the first are read.
func Parse(text string) Agent {
	text = text[:min(len(text), longest)]
	if a, ok := seen().Get(text); ok {
		return a.(Agent)
	}
	a := parse(text)
	seen().Add(strings.Clone(text), a)
	return a
}

func parse(text string) Agent {
	ua, os, device := compiled().parse(text)
	a := Agent{
		Browser: Browser{Family: ua.Family, Major: ua.Major, Minor: ua.Minor, Patch: ua.Patch},
		OS:      System{Family: os.Family, Major: os.Major, Minor: os.Minor, Patch: os.Patch},
		Device:  Device{Family: device.Family, Brand: device.Brand, Model: device.Model},
	}
	a.Device.Category = category(text, a)
	return a
}

// category sorts devices as their names allow.
func category(text string, a Agent) string {
	switch {
	case a.Device.Family == "Spider":
		return "Bot"
	case tablet(text, a):
		return "Tablet"
	case a.OS.Family == "iOS" || a.OS.Family == "Android" || strings.HasPrefix(a.OS.Family, "Windows Phone") ||
		strings.HasPrefix(a.OS.Family, "BlackBerry") || a.OS.Family == "KaiOS" || a.OS.Family == "Firefox OS" ||
		strings.Contains(a.Device.Model, "Smartphone") || strings.Contains(a.Device.Model, "Feature Phone"):
		return "Mobile"
	case desktops[a.OS.Family] || a.Device.Family == "Mac":
		return "Desktop"
	}
	return "Other"
}

func tablet(text string, a Agent) bool {
	return strings.HasPrefix(a.Device.Family, "iPad") || strings.Contains(text, "Tablet") || strings.HasPrefix(a.Device.Family, "Kindle") ||
		a.OS.Family == "Android" && !strings.Contains(text, "Mobile") && strings.Contains(text, "Mozilla/")
}

var desktops = map[string]bool{
	"Windows": true, "Mac OS X": true, "Mac OS": true, "Linux": true, "Ubuntu": true, "Debian": true,
	"Fedora": true, "Red Hat": true, "CentOS": true, "SUSE": true, "Arch Linux": true, "Gentoo": true,
	"Mandriva": true, "Slackware": true, "Linux Mint": true, "Kubuntu": true, "Puppy": true,
	"Chrome OS": true, "FreeBSD": true, "OpenBSD": true, "NetBSD": true, "Solaris": true,
}

// Details are browser, os and device of a User-Agent as attributes. What is not known
// is left out.
func Details(arena *fastjson.Arena, text string) *fastjson.Value {
	a := Parse(text)
	out := arena.NewObject()
	out.Set("browser", object(arena,
		"family", a.Browser.Family, "major", a.Browser.Major, "minor", a.Browser.Minor,
		"patch", a.Browser.Patch, "patch_minor", a.Browser.PatchMinor))
	out.Set("os", object(arena, "family", a.OS.Family, "major", a.OS.Major, "minor", a.OS.Minor, "patch", a.OS.Patch))
	out.Set("device", object(arena,
		"family", a.Device.Family, "category", a.Device.Category, "brand", a.Device.Brand, "model", a.Device.Model))
	return out
}

func object(arena *fastjson.Arena, pairs ...string) *fastjson.Value {
	out := arena.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], value.String(arena, pairs[i+1]))
		}
	}
	return out
}
