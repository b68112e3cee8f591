package api

import "net/http"

// Door is a raw handler of a protocol that has its own ways with keys.
type Door interface {
	http.Handler
	// Keys are those that the request carries elsewhere than in the headers that
	// everybody may use.
	Keys(*http.Request) []string
	// Open reports whether the request needs no key.
	Open(*http.Request) bool
	// Refuse answers who may not come in: 401 without a key, 403 with a wrong one.
	Refuse(w http.ResponseWriter, r *http.Request, status int, why string)
}

// ClaimingDoor is a door of a protocol whose paths begin with names of its
// senders.
type ClaimingDoor interface {
	Door
	// Claims reports whether the request is of its protocol. Of requests for / it
	// is not asked where they come from a browser.
	Claims(*http.Request) bool
}
