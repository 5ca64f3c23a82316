# Events a second of each contestant: the median as a bar, low and high as a line, and what is durable.
# gnuplot -e "data='268B.tsv'; image='peers_268B.svg'; form='268B'" plot.gp
set datafile separator tab
stats data using 2 nooutput
rows = STATS_records
set terminal svg size 1180, 80 + 26 * rows font 'sans-serif,12' background '#ffffff'
set output image
events = form eq 'mix' ? 'Events of 120 bytes to 4 KB' : 'Events of 268 bytes'
set title events . ': events a second (logarithmic); loopback, the sender on the same machine' noenhanced
set logscale x
set xrange [1000:1e7]
set yrange [rows - 0.4:-0.6]
set format x '%.0s%c'
set xtics nomirror
set ytics nomirror scale 0 noenhanced
set grid xtics lc rgb '#dddddd'
set border 1
set lmargin 26
set rmargin 66
unset key
colour(name) = name[1:8] eq 'penstock' ? 0x1f6feb : name[1:5] eq 'limit' ? 0x999999 : 0xe3873c
readable(v) = v >= 1e6 ? sprintf('%.2fM', v / 1e6) : sprintf('%.0fK', v / 1e3)
plot data using (($2 + 1000) / 2):0:(1000):2:($0 - 0.35):($0 + 0.35):(colour(strcol(1))):ytic(1) \
         with boxxyerror fs solid 0.85 noborder lc rgb variable, \
     data using 2:0:3:4 with xerrorbars pt 0 lw 1.5 lc rgb '#333333', \
     data using 4:0:(readable($2)) with labels left offset 1, 0 tc rgb '#333333' noenhanced, \
     data using (1e7):0:5 with labels left offset 5, 0 font ',10' tc rgb '#666666' noenhanced
