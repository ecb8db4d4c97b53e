" Files that end in .gc are gradc's.
autocmd BufNewFile,BufRead *.gc setfiletype gradc
