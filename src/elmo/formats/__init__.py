"""Published and foreign files, read and written as tables of plain arrays.

`elmo.formats.pretrained` has what other floors use: `read`, `write_folder`, `Pretrained`.
"""
