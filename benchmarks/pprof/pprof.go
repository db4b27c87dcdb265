// Package pprof reads what the benchmarks need of a profile that runtime/pprof wrote:
// samples with the names of their functions. It keeps nothing.
//
// The format is gzip around a protocol buffer, described at
// https://github.com/google/pprof/blob/main/proto/profile.proto.
package pprof

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sample is how often, or how long, a stack was seen.
type Sample struct {
	Stack  []string // innermost function first, inlined ones included
	Values []int64  // in the profile's units
}

// The numbers of fields.
const (
	profileSample, profileLocation, profileFunction, profileString = 2, 4, 5, 6
	sampleLocation, sampleValue                                    = 1, 2
	locationID, locationLine                                       = 1, 4
	lineFunction                                                   = 1
	functionID, functionName                                       = 1, 2
)

// Parse reads a profile.
func Parse(data []byte) ([]Sample, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not a profile: %w", err)
	}
	if data, err = io.ReadAll(unzip); err != nil {
		return nil, fmt.Errorf("not a whole profile: %w", err)
	}
	p := profile{lines: map[uint64][]uint64{}, names: map[uint64]uint64{}}
	if err := fields(data, p.field); err != nil {
		return nil, err
	}
	samples := make([]Sample, len(p.samples))
	for i, s := range p.samples {
		samples[i].Values = s.values
		for _, location := range s.locations {
			for _, function := range p.lines[location] {
				if name := p.names[function]; name < uint64(len(p.strings)) {
					samples[i].Stack = append(samples[i].Stack, p.strings[name])
				}
			}
		}
	}
	return samples, nil
}

// profile is a profile by its numbers.
type profile struct {
	samples []sample
	lines   map[uint64][]uint64 // functions of a location, innermost first
	names   map[uint64]uint64   // string of a function
	strings []string
}

type sample struct {
	locations []uint64
	values    []int64
}

func (p *profile) field(number, value uint64, data []byte) error {
	switch number {
	case profileSample:
		var s sample
		err := fields(data, func(number, value uint64, data []byte) error {
			return numbers(value, data, func(v uint64) {
				switch number {
				case sampleLocation:
					s.locations = append(s.locations, v)
				case sampleValue:
					s.values = append(s.values, int64(v))
				}
			})
		})
		if len(s.values) > 0 {
			p.samples = append(p.samples, s)
		}
		return err
	case profileLocation:
		var id uint64
		var functions []uint64
		err := fields(data, func(number, value uint64, data []byte) error {
			switch number {
			case locationID:
				id = value
			case locationLine:
				return fields(data, func(number, value uint64, _ []byte) error {
					if number == lineFunction {
						functions = append(functions, value)
					}
					return nil
				})
			}
			return nil
		})
		p.lines[id] = functions
		return err
	case profileFunction:
		var id, name uint64
		err := fields(data, func(number, value uint64, _ []byte) error {
			switch number {
			case functionID:
				id = value
			case functionName:
				name = value
			}
			return nil
		})
		p.names[id] = name
		return err
	case profileString:
		p.strings = append(p.strings, string(data))
	}
	return nil
}

var errCut = errors.New("the profile is cut off")

// fields calls each for the fields of a message: with a value, or with data that is not
// nil.
func fields(b []byte, each func(number, value uint64, data []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errCut
		}
		b = b[n:]
		var value uint64
		var data []byte
		switch tag & 7 {
		case 0:
			if value, n = binary.Uvarint(b); n <= 0 {
				return errCut
			}
			b = b[n:]
		case 1, 5:
			size := 8
			if tag&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errCut
			}
			b = b[size:]
			continue
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errCut
			}
			data, b = b[n:n+int(size):n+int(size)], b[n+int(size):]
		default:
			return fmt.Errorf("the profile has a field of unknown type %d", tag&7)
		}
		if err := each(tag>>3, value, data); err != nil {
			return err
		}
	}
	return nil
}

// numbers are one value, or those packed into data.
func numbers(value uint64, data []byte, each func(uint64)) error {
	if data == nil {
		each(value)
		return nil
	}
	for len(data) > 0 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return errCut
		}
		each(v)
		data = data[n:]
	}
	return nil
}
