"""The steps of reading a COCO file; ``fish_dataset.coco`` puts them in order."""
