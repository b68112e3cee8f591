// Package anomaly will hold the seasonal models behind the detection method
// anomaly_detection: how high a count is for this group, at this hour of this
// day, given the group's past.
//
// It knows series of numbers, built on gonum, and neither rules nor storage.
package anomaly
