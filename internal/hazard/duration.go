package hazard

// The work that a step does on a table, in bytes a second on a modest server
// with its data on a local disk. They only tell classes apart.
const (
	scanSpeed  = 200 << 20
	buildSpeed = 40 << 20
	writeSpeed = 30 << 20
)

// work is how fast a step goes through a table.
type work int

const (
	noWork work = iota
	scans
	builds
	rewrites
)

// durations are the classes, each with its end in seconds.
var durations = []struct {
	name string
	end  float64
}{{"instant", 1}, {"seconds", 60}, {"minutes", 3600}}

// duration returns the class of work on a table of that size; "" where the size
// is not known.
func duration(w work, bytes int64, known bool) string {
	if w == noWork {
		return durations[0].name
	}
	if !known {
		return ""
	}
	speed := map[work]float64{scans: scanSpeed, builds: buildSpeed, rewrites: writeSpeed}[w]
	for _, d := range durations {
		if float64(bytes)/speed < d.end {
			return d.name
		}
	}
	return "hours"
}
