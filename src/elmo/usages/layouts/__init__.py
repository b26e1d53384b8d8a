"""Layouts of the field, read and written: DURel/WUG, SemEval-2020 task 1, Parquet, figures."""
