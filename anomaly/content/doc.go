// Package content says how many of the texts that a group had before are similar
// to a new one: a text that is like none of them is an anomaly of content.
//
// A text is the set of its words, as UAX #29 (Unicode Text Segmentation) finds
// them. Two texts are as similar as their sets, by the Jaccard index: the words
// they share, of all that either has. A Signature estimates that from 512 bytes,
// whatever the length of the texts (MinHash; A. Broder, On the resemblance and
// containment of documents, 1997). Equal texts have equal signatures, on every
// machine and in every version of this package: they are stored.
//
// It knows neither rules nor events, does no I/O and reads no clock.
//
// Start at Sign and Memory.Similar. Estimates are those of independent orders
// (TestSignaturesEstimateTheJaccardIndex), and what is stored stays comparable
// (TestWhatIsStoredStaysReadable).
package content
