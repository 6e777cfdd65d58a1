"""Tables for people, as DataFrames: read where permissions were asked, never written back."""
